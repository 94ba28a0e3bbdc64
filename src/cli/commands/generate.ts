/** `hashgnn generate`: interactions with a planted structure, as a file for `hashgnn prepare`. */
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { Command } from 'commander';
import { requireNoFile, writeFileAtomic } from '../../base/files.js';
import { generateInteractions, toTsv } from '../../data/generate.js';
import { toWhole } from '../numbers.js';
import { formatBytes, formatCount, Output, type OutputOptions, outputOptions } from '../output.js';

interface Options extends OutputOptions {
  readonly out: string;
  readonly users: number;
  readonly items: number;
  readonly interactions: number;
  readonly groups?: number;
  readonly seed: number;
}

export function register(program: Command): void {
  const command = program
    .command('generate')
    .description('write interactions with a planted structure, for trying things out')
    .requiredOption('-o, --out <file>', 'tab-separated file to write; gzipped when its name ends in .gz')
    .option('--users <n>', 'users', toWhole, 2000)
    .option('--items <n>', 'items', toWhole, 1200)
    .option('--interactions <n>', 'distinct pairs', toWhole, 80_000)
    .option('--groups <n>', 'interest groups (about one for 60 items unless said)', toWhole)
    .option('--seed <n>', 'seed', toWhole, 1);
  outputOptions(command).action(async (options: Options) => {
    const output = new Output(options);
    const { out, users, items, interactions, groups, seed } = options;
    await requireNoFile(out);
    const generated = generateInteractions({
      users,
      items,
      interactions,
      seed,
      ...(groups !== undefined && { groups }),
    });
    const lines = toTsv(generated);
    await writeFileAtomic(out, out.endsWith('.gz') ? Readable.from(lines).pipe(createGzip()) : lines);
    const { size } = await stat(out);
    const result = { file: out, bytes: size, users, items, interactions, groups: generated.groupCount, seed };
    const counts = `${formatCount(users)} users, ${formatCount(items)} items, ${formatCount(interactions)} interactions`;
    output.result(
      result,
      [
        `${out}: ${counts} in ${formatCount(generated.groupCount)} interest groups (${formatBytes(size)})`,
        '',
        `next: hashgnn prepare ${out} --out datasets/generated`,
      ].join('\n'),
    );
  });
}
