/** Files of interactions in every text format, and damage to them. */
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';

const lines = (line: (row: number) => string) => Array.from({ length: 12 }, (_, row) => line(row)).join('\n');

/** Some rows in each format. */
export const samples: Readonly<Record<string, string>> = {
  movielens: lines((row) => `${row % 5}::${row}::${row % 4}::${978300760 + row}`),
  csv: `user,item,rating,time\n${lines((row) => `"u ${row % 5}",i${row},${row % 4},2019-01-0${1 + (row % 9)}`)}`,
  tsv: lines((row) => `${row % 5}\t${row}\t3\t${881250949 + row}`),
  lightgcn: lines((row) => `${row} 1 2 ${row + 3}`),
  recbole: `user_id:token\titem_id:token\trating:float\n${lines((row) => `u${row % 5}\t${row}\t${row % 4}`)}`,
  gowalla: lines((row) => `${row % 5}\t2010-10-19T23:55:${10 + row}Z\t30.2\t-97.7\t${row}`),
  taobao: lines((row) => `${row % 5},${row},7,${['pv', 'buy'][row % 2]},${1511544070 + row}`),
  jsonl: lines((row) => JSON.stringify({ user: row % 5, item: `i${row}`, rating: row % 4 })),
};

export type Damage = (bytes: Buffer) => Buffer;

/** One piece of damage: a byte changed, a stretch cut out or written twice, the end cut off, rubbish put in. */
export const damage: fc.Arbitrary<Damage> = fc
  .tuple(
    fc.constantFrom('byte', 'cut', 'twice', 'end', 'rubbish'),
    fc.nat(),
    fc.nat(40),
    fc.uint8Array({ maxLength: 8 }),
  )
  .map(([kind, where, length, rubbish]) => (bytes: Buffer) => {
    const at = where % Math.max(1, bytes.length);
    const [before, piece, after] = [
      bytes.subarray(0, at),
      bytes.subarray(at, at + length),
      bytes.subarray(at + length),
    ];
    switch (kind) {
      case 'byte':
        return Buffer.concat([before, Buffer.from([length * 6]), bytes.subarray(at + 1)]);
      case 'cut':
        return Buffer.concat([before, after]);
      case 'twice':
        return Buffer.concat([before, piece, piece, after]);
      case 'end':
        return Buffer.from(before);
      default:
        return Buffer.concat([before, rubbish, bytes.subarray(at)]);
    }
  });

export const damagedFile = fc.record({
  format: fc.constantFrom(...Object.keys(samples)),
  packed: fc.boolean(),
  damages: fc.array(damage, { minLength: 1, maxLength: 3 }),
  skipBadRows: fc.boolean(),
});

/** The bytes of such a file. */
export function bytesOfDamaged({
  format,
  packed,
  damages,
}: {
  format: string;
  packed: boolean;
  damages: Damage[];
}): Buffer {
  const whole = packed ? gzipSync(samples[format]!) : Buffer.from(samples[format]!);
  return damages.reduce<Buffer>((bytes, apply) => apply(bytes), Buffer.from(whole));
}
