/** The parts of the split as files of pairs, training, validation and test. */
import { join } from 'node:path';
import { InputError } from '../base/errors.js';
import { fromCounts, histogramOf } from './degrees.js';
import { EdgeWriter } from './edge_file.js';
import type { Engine } from './engine.js';
import type { PrepareOptions } from './prepare_options.js';
import { Part, type SplitPlan, Splitter } from './split.js';
import { TimeCounts } from './times.js';

export const parts = ['train', 'valid', 'test'] as const;

/** What the parts are made of and where they go. */
export interface PartsContext {
  /** With the tables `pairs`, `users` and `items`; of these `pairs` is used up. */
  readonly engine: Engine;
  readonly options: PrepareOptions;
  readonly folder: string;
  /** Whether every pair has a time. */
  readonly knowsTime: boolean;
  stage(name: string): void;
}

/** Splits the pairs user by user and writes the parts; what it counts on the way takes five bytes an item. */
export async function writeParts(context: PartsContext, plan: SplitPlan & { readonly total: number }, items: number) {
  const { engine, options, folder, knowsTime } = context;
  const splitter = new Splitter(plan);
  const writers: EdgeWriter[] = [];
  const itemDegrees = new Uint32Array(items);
  const itemTrains = new Uint8Array(items);
  const userDegrees = new Map<number, number>();
  let usersWithTest = 0;
  let usersWithoutTrain = 0;
  // Of the user that is read: items, parts and times so far.
  let current = -1;
  let degree = 0;
  let itemsOf = new Int32Array(1024);
  let partsOf = new Uint8Array(1024);
  let timesOf = new Float64Array(knowsTime ? 1024 : 0);
  const times = knowsTime ? await timeCounts(engine) : undefined;
  const endUser = () => {
    if (degree === 0) return;
    const assigned = partsOf.subarray(0, degree);
    splitter.split(current, assigned, timesOf.subarray(0, degree));
    const found = [0, 0, 0];
    for (let place = 0; place < degree; place++) {
      const item = itemsOf[place]!;
      const part = assigned[place]!;
      writers[part]!.add(current, item);
      found[part]!++;
      itemDegrees[item]!++;
      if (part === Part.train) itemTrains[item] = 1;
      times?.add(part, timesOf[place]!);
    }
    if (found[Part.test]! > 0) usersWithTest++;
    if (found[Part.train] === 0) usersWithoutTrain++;
    userDegrees.set(degree, (userDegrees.get(degree) ?? 0) + 1);
    degree = 0;
  };
  context.stage('sorting');
  try {
    for (const part of parts) writers.push(await EdgeWriter.create(join(folder, `${part}.npy`)));
    const pieces = engine.numbers(`SELECT u.final, i.final, p.part::INTEGER${knowsTime ? ', p.time' : ''}
      FROM pairs p JOIN users u ON p.user = u.number JOIN items i ON p.item = i.number ORDER BY u.final, i.final`);
    let done = 0;
    for await (const [user, item, part, time] of pieces) {
      // Sorted: from here on the loop itself tells how far it is.
      engine.watch = undefined;
      for (let row = 0; row < user!.length; row++) {
        if (user![row] !== current) {
          endUser();
          current = user![row]!;
        }
        if (degree === itemsOf.length) {
          itemsOf = grown(itemsOf, new Int32Array(2 * degree));
          partsOf = grown(partsOf, new Uint8Array(2 * degree));
          if (time) timesOf = grown(timesOf, new Float64Array(2 * degree));
        }
        itemsOf[degree] = item![row]!;
        partsOf[degree] = part![row]!;
        if (time) timesOf[degree] = time[row]!;
        degree++;
      }
      done += user!.length;
      options.progress?.('splitting', done, plan.total, 'interactions');
      for (const writer of writers) await writer.flush();
    }
    endUser();
    for (const writer of writers) await writer.finish();
  } catch (error) {
    for (const writer of writers) await writer.abandon();
    throw error;
  }
  await engine.run('DROP TABLE pairs');
  const [train, valid, test] = writers.map(({ count }) => count) as [number, number, number];
  return {
    counts: { train, valid, test },
    degrees: { users: fromCounts(userDegrees), items: histogramOf(itemDegrees) },
    usersWithTest,
    usersWithoutTrain,
    times: times?.histogram() ?? null,
    itemsWithoutTrain: itemTrains.reduce((sum, trains) => sum + (1 - trains), 0),
  };
}

async function timeCounts(engine: Engine): Promise<TimeCounts> {
  const [{ first, last }] = (await engine.rows<{ first: number; last: number }>(
    'SELECT min(time) AS first, max(time) AS last FROM pairs',
  )) as [{ first: number; last: number }];
  return new TimeCounts(first, last);
}

/**
 * Requires of the parts what they are for: something to train on, and something to test and validate where that is wanted.
 * @param where the inputs, for errors
 * @throws InputError naming the empty part
 */
export function requireParts(
  counts: Record<(typeof parts)[number], number>,
  options: PrepareOptions,
  { where, fromFiles, wantsTest }: { where: string; fromFiles: boolean; wantsTest: boolean },
): void {
  const { split, testFrom, valid } = options;
  if (counts.train === 0) {
    throw new InputError('no interactions are left to train on', {
      where,
      fix: split === 'by-time' ? `name a later --test-from than ${testFrom}` : 'relax the filters',
    });
  }
  if (counts.test === 0 && (fromFiles || wantsTest)) {
    if (split === 'by-time') {
      throw new InputError(`the test part is empty: no pair is at or after ${testFrom}`, {
        where,
        fix: 'name an earlier --test-from',
      });
    }
    throw new InputError(
      fromFiles
        ? 'the test part is empty: each of its pairs is in another part or filtered out'
        : 'the test part is empty: no user has enough interactions to test one',
      {
        where,
        fix: fromFiles ? 'name another --test file' : 'use more interactions, or --test-ratio 0 to test nothing',
      },
    );
  }
  if (counts.valid === 0 && valid !== undefined) {
    throw new InputError('the validation part is empty: each of its pairs is in the training part or filtered out', {
      where,
      fix: 'leave --valid out: validation is then drawn from the training interactions',
    });
  }
}

function grown<T extends Int32Array | Uint8Array | Float64Array>(array: T, larger: T): T {
  larger.set(array);
  return larger;
}
