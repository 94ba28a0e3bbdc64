/** `hashgnn generate`: interactions with a planted structure, as a file for `hashgnn prepare`. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from '../../base/errors.js';
import { requireNoFile, writeFileAtomic } from '../../base/files.js';
import { generateInteractions, parseShape, shapes } from '../../data/generate.js';
import { twinsText, writeGenerated } from '../../data/write_generated.js';
import { interruptSignal } from '../interrupt.js';
import { toWhole } from '../numbers.js';
import { formatBytes, formatCount, Output, type OutputOptions, outputOptions } from '../output.js';
import { Progress } from '../progress.js';

interface Options extends OutputOptions {
  readonly out: string;
  readonly twins?: string;
  readonly users: number;
  readonly items: number;
  readonly interactions: number;
  readonly shape: string;
  readonly seed: number;
}

const PARAMETERS = Object.entries(shapes.plain!).map(([name, value]) => `${name}=${value}`);

export function register(program: Command): void {
  const command = program
    .command('generate')
    .description('write interactions with a planted structure and times, for trying things out at any size')
    .requiredOption('-o, --out <file>', 'file to write: .parquet, .csv, else tab-separated; text is gzipped with .gz')
    .option('--twins <file>', 'file for the planted nearest neighbours: kind, id and twin a line')
    .option('--users <n>', 'users', toWhole, 2000)
    .option('--items <n>', 'items', toWhole, 1200)
    .option('--interactions <n>', 'distinct pairs', toWhole, 80_000)
    .option(
      '--shape <text>',
      `${Object.keys(shapes).join(', ')}, and what differs from it, as plain,${PARAMETERS.join(',')}`,
      'plain',
    )
    .option('--seed <n>', 'seed', toWhole, 1);
  outputOptions(command).action(async (options: Options) => {
    const output = new Output(options);
    const { out, twins, users, items, interactions, seed } = options;
    if (twins !== undefined && resolve(twins) === resolve(out)) {
      throw new UsageError('--twins names the file of --out', { where: out, fix: 'name another file' });
    }
    for (const file of [out, twins]) if (file !== undefined) await requireNoFile(file);
    const generated = generateInteractions({ users, items, interactions, seed, shape: parseShape(options.shape) });
    const { shape } = generated;
    const progress = new Progress({ label: 'generating', total: interactions, unit: 'rows', quiet: output.quiet });
    await writeGenerated(generated, out, { signal: interruptSignal(), report: (done) => progress.update(done) });
    progress.done();
    if (twins !== undefined) await writeFileAtomic(twins, twinsText(generated));
    const { size } = await stat(out);
    const counts = `${formatCount(users)} users, ${formatCount(items)} items, ${formatCount(interactions)} interactions`;
    output.result(
      { file: out, bytes: size, users, items, interactions, seed, shape, twins: twins ?? null },
      [
        `${out}: ${counts} in ${formatCount(shape.groups)} interest groups (${formatBytes(size)})`,
        ...(twins === undefined ? [] : [`${twins}: pairs of users and of items that are nearest neighbours`]),
        '',
        `next: hashgnn prepare ${out} --out datasets/generated`,
      ].join('\n'),
    );
  });
}
