/** `hashgnn generate`: interactions with a planted structure, as a file for `hashgnn prepare`. */
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { type Command, InvalidArgumentError } from 'commander';
import { InputError } from '../../base/errors.js';
import { writeFileAtomic } from '../../base/files.js';
import { generateInteractions, toTsv } from '../../data/generate.js';
import { formatBytes, formatCount, Output, type OutputOptions, outputOptions } from '../output.js';

function toCount(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(text);
}

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
    .option('--users <n>', 'users', toCount, 2000)
    .option('--items <n>', 'items', toCount, 1200)
    .option('--interactions <n>', 'distinct pairs', toCount, 80_000)
    .option('--groups <n>', 'interest groups (about one for 60 items unless said)', toCount)
    .option('--seed <n>', 'seed', toCount, 1);
  outputOptions(command).action(async (options: Options) => {
    const output = new Output(options);
    const { out, users, items, interactions, groups, seed } = options;
    if (await stat(out).catch(() => undefined)) {
      throw new InputError('the output file exists already', { where: out, fix: 'name another file, or remove it' });
    }
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
