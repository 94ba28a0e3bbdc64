/** The parts of the split: filled from the numbered pairs user by user, and read back. */
import { join } from 'node:path';
import { bytesOf } from '../base/npy.js';
import { beginFingerprint } from './dataset.js';
import { type DegreeHistogram, fromCounts, histogramOf } from './degrees.js';
import { EdgeWriter, findSharedPairInFiles, readEdges } from './edge_file.js';
import type { Engine } from './engine.js';
import type { Counts } from './filter.js';
import type { Preparation } from './preparation.js';
import { Part, type SplitPlan, Splitter } from './split.js';
import { TimeCounts, type TimeHistogram } from './times.js';

const parts = ['train', 'valid', 'test'] as const;

const pathsOf = (folder: string) => parts.map((part) => join(folder, `${part}.npy`));

/** The parts that were written, in numbers. */
export interface PartCounts {
  /** Interactions of each. */
  readonly counts: Record<(typeof parts)[number], number>;
  readonly degrees: { readonly users: DegreeHistogram; readonly items: DegreeHistogram };
  /** Null where times are not known. */
  readonly times: TimeHistogram | null;
  readonly usersWithTest: number;
  readonly usersWithoutTrain: number;
  readonly itemsWithoutTrain: number;
}

/**
 * Splits the pairs user by user and writes the parts; what it counts on the way takes five bytes an item.
 *
 * @param knowsTime whether every pair has a time
 */
export async function writeParts(
  preparation: Preparation,
  plan: SplitPlan,
  { items, interactions }: Counts,
  knowsTime: boolean,
): Promise<PartCounts> {
  const { engine, options, temporary, stage } = preparation;
  const times = knowsTime ? await timeCounts(engine) : undefined;
  stage('sorting');
  const writers: EdgeWriter[] = [];
  const filler = new PartFiller(new Splitter(plan), writers, items, times);
  try {
    for (const path of pathsOf(temporary)) writers.push(await EdgeWriter.create(path));
    const pieces = engine.numbers(`SELECT u.final, i.final, p.part::INTEGER${knowsTime ? ', p.time' : ''}
      FROM pairs p JOIN users u ON p.user = u.number JOIN items i ON p.item = i.number ORDER BY u.final, i.final`);
    let done = 0;
    for await (const piece of pieces) {
      // Sorted: from here on the loop itself tells how far it is.
      engine.watch = undefined;
      filler.add(piece);
      done += piece[0]!.length;
      options.progress?.('splitting', done, interactions, 'interactions');
      for (const writer of writers) await writer.flush();
    }
    filler.endUser();
    for (const writer of writers) await writer.finish();
  } catch (error) {
    for (const writer of writers) await writer.abandon();
    throw error;
  }
  await engine.run('DROP TABLE pairs');
  return filler.counted();
}

async function timeCounts(engine: Engine): Promise<TimeCounts> {
  const [{ first, last }] = (await engine.rows<{ first: number; last: number }>(
    'SELECT min(time) AS first, max(time) AS last FROM pairs',
  )) as [{ first: number; last: number }];
  return new TimeCounts(first, last);
}

/** Takes pairs that come sorted by user and item, and gives each user's, once split, to the writers of their parts. */
class PartFiller {
  private readonly itemDegrees: Uint32Array;
  private readonly itemTrains: Uint8Array;
  private readonly userDegrees = new Map<number, number>();
  private usersWithTest = 0;
  private usersWithoutTrain = 0;
  // Of the user that is read: items, parts and times so far.
  private current = -1;
  private degree = 0;
  private itemsOf = new Int32Array(1024);
  private partsOf = new Uint8Array(1024);
  private timesOf: Float64Array;

  /** @param writers of the parts, in the order of `Part` */
  constructor(
    private readonly splitter: Splitter,
    private readonly writers: readonly EdgeWriter[],
    items: number,
    private readonly times: TimeCounts | undefined,
  ) {
    this.itemDegrees = new Uint32Array(items);
    this.itemTrains = new Uint8Array(items);
    this.timesOf = new Float64Array(times ? 1024 : 0);
  }

  /** The next pairs: columns of users, items, parts, and of times where they are counted. */
  add([user, item, part, time]: readonly (Int32Array | Float64Array)[]): void {
    for (let row = 0; row < user!.length; row++) {
      if (user![row] !== this.current) {
        this.endUser();
        this.current = user![row]!;
      }
      const place = this.degree++;
      if (place === this.itemsOf.length) this.grow();
      this.itemsOf[place] = item![row]!;
      this.partsOf[place] = part![row]!;
      if (time) this.timesOf[place] = time[row]!;
    }
  }

  private grow(): void {
    const size = 2 * this.itemsOf.length;
    this.itemsOf = grown(this.itemsOf, new Int32Array(size));
    this.partsOf = grown(this.partsOf, new Uint8Array(size));
    if (this.times) this.timesOf = grown(this.timesOf, new Float64Array(size));
  }

  /** Splits the pairs of the user that is read: no more of his come. */
  endUser(): void {
    const { current, degree, itemsOf, timesOf } = this;
    if (degree === 0) return;
    const assigned = this.partsOf.subarray(0, degree);
    this.splitter.split(current, assigned, timesOf.subarray(0, degree));
    const found = [0, 0, 0];
    for (let place = 0; place < degree; place++) {
      const item = itemsOf[place]!;
      const part = assigned[place]!;
      this.writers[part]!.add(current, item);
      found[part]!++;
      this.itemDegrees[item]!++;
      if (part === Part.train) this.itemTrains[item] = 1;
      this.times?.add(part, timesOf[place]!);
    }
    if (found[Part.test]! > 0) this.usersWithTest++;
    if (found[Part.train] === 0) this.usersWithoutTrain++;
    this.userDegrees.set(degree, (this.userDegrees.get(degree) ?? 0) + 1);
    this.degree = 0;
  }

  counted(): PartCounts {
    const { writers, usersWithTest, usersWithoutTrain } = this;
    const [train, valid, test] = writers.map(({ count }) => count) as [number, number, number];
    return {
      counts: { train, valid, test },
      degrees: { users: fromCounts(this.userDegrees), items: histogramOf(this.itemDegrees) },
      times: this.times?.histogram() ?? null,
      usersWithTest,
      usersWithoutTrain,
      itemsWithoutTrain: this.itemTrains.reduce((sum, trains) => sum + (1 - trains), 0),
    };
  }
}

function grown<T extends Int32Array | Uint8Array | Float64Array>(array: T, larger: T): T {
  larger.set(array);
  return larger;
}

/** Reads the parts back: the leak check. Returns the fingerprint of the dataset. */
export async function verifyParts(
  { temporary, stage }: Preparation,
  { users, items }: Counts,
  counts: PartCounts['counts'],
): Promise<string> {
  stage('checking');
  const paths = pathsOf(temporary);
  const shared = await findSharedPairInFiles(paths);
  // A defect of ours, not of the input: a plain error.
  if (shared) throw new Error(`user ${shared.user} and item ${shared.item} stand in two parts of the split`);
  const hash = beginFingerprint(
    users,
    items,
    parts.map((part) => counts[part]),
  );
  for (const path of paths) for await (const edges of readEdges(path)) hash.update(bytesOf(edges));
  return hash.digest('hex');
}
