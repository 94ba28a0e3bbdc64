/** One row measured: ours and the peer in turn, checked against each other before anything is said of their speed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { InterruptedError } from '../../src/base/errors.js';
import type { Gpu } from '../../src/gpu/index.js';
import type { Ceilings } from '../ceilings.js';
import { type Timing, timed, timingOf } from '../timing.js';
import { Judge, requireRepeated, someQueries } from './compare.js';
import { prepareOurs } from './ours.js';
import type { Peer, PeerWay } from './peer.js';
import { arraysOf, type Row, type Shape } from './rows.js';

export interface MeasuredRow extends Shape {
  readonly name: string;
  readonly ours: Timing;
  readonly peer: (Timing & MeasuredPeer) | null;
  /** The peer's seconds by ours. */
  readonly ratio: number | null;
  readonly atLeast: number | null;
  readonly aim: number | null;
  readonly pairsPerSecond: number;
  /** Of what this adapter can do at most, between 0 and 1. */
  readonly share: { readonly operations: number; readonly bytes: number };
}

/** Who it was raced against. */
export interface MeasuredPeer {
  readonly name: string;
  readonly version: string;
  readonly threads: number;
  /** The fastest of the ways that it has, by trial. */
  readonly way: PeerWay;
}

export interface MeasureOptions {
  readonly seed: number;
  readonly repeat: number;
  readonly ceilings: Ceilings;
  /** None: ours alone is timed, and checked by plain loops. */
  readonly peer?: Peer | undefined;
  /** A run that measures nothing does not wait between searches. */
  readonly quick?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told what is being done, and how much of the row is done, between 0 and 1. */
  readonly onStep?: (what: string, done: number) => void;
}

/** Rounds of a row are fewer where one takes longer than this, in seconds. */
const LONG_ROUND = 20;
/** And more where all of them together take less than this, in seconds: short searches are disturbed the most. */
const SHORT_ROUNDS = 2;
const MOST_SHORT_ROUNDS = 31;
/** What ran last may still be asking for more work in a loop for some milliseconds, which would cost the next one. */
const SETTLE_MS = 100;

/**
 * @throws HashgnnError where results differ or are wrong; InterruptedError where the signal is aborted
 */
export async function measureRow(gpu: Gpu, row: Row, options: MeasureOptions): Promise<MeasuredRow> {
  const { peer, signal, onStep = () => {} } = options;
  const settle = () => sleep(options.quick ? 0 : SETTLE_MS);
  const step = (what: string, done: number) => {
    requireGoing(signal);
    onStep(what, done);
  };
  step('arrays', 0);
  const arrays = await arraysOf(row, options.seed);
  const judge = new Judge(row, arrays);
  const ours = await prepareOurs(gpu, row, arrays);
  try {
    step('warm-up of ours', 0.05);
    let found = await ours.search();
    judge.requireExact(found, someQueries(row.queries));
    // Once more: the first one compiled the kernels.
    const warm = await timed(ours.search);
    requireRepeated(row, found, warm.result);
    let round = warm.seconds;
    let way: PeerWay | undefined;
    if (peer) {
      step('arrays of the peer', 0.1);
      await peer.load(row, arrays);
      step('warm-up of the peer', 0.15);
      const best = await peer.warm();
      round += best.seconds;
      way = best.way;
    }
    const rounds = options.quick ? options.repeat : roundsOf(options.repeat, round);
    const [seconds, peerSeconds]: [number[], number[]] = [[], []];
    for (let at = 0; at < rounds; at += 1) {
      step(`round ${at + 1} of ${rounds}`, 0.3 + (0.6 * at) / rounds);
      await settle();
      const mine = await timed(ours.search);
      seconds.push(mine.seconds);
      requireRepeated(row, found, mine.result);
      found = mine.result;
      if (!peer) continue;
      requireGoing(signal);
      await settle();
      peerSeconds.push(await peer.run());
    }
    step('comparing', 0.9);
    if (peer) judge.requireSame(found, await peer.results(), peer.name);
    requireGoing(signal);
    const raced = peer && way && { ...peerOf(peer, way), ...timingOf(peerSeconds) };
    return describe(row, timingOf(seconds), raced ?? null, options.ceilings);
  } finally {
    ours.destroy();
  }
}

/** @throws InterruptedError where the signal is aborted */
export function requireGoing(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new InterruptedError('the bench was stopped');
}

/** As many rounds as asked for, more where they are short, fewer but two where they take long. */
function roundsOf(repeat: number, seconds: number): number {
  if (seconds <= LONG_ROUND) return Math.max(repeat, Math.min(MOST_SHORT_ROUNDS, Math.ceil(SHORT_ROUNDS / seconds)));
  return Math.min(repeat, Math.max(2, Math.round((repeat * LONG_ROUND) / seconds)));
}

function peerOf({ name, versions }: Peer, way: PeerWay): MeasuredPeer {
  return { name, version: versions.faiss, threads: way.threads, way };
}

function describe(row: Row, ours: Timing, peer: MeasuredRow['peer'], ceilings: Ceilings): MeasuredRow {
  const { name, database, queries, bits, k, candidates, atLeast = null, aim = null } = row;
  const work = workOf(row);
  return {
    ...{ name, database, queries, bits, k },
    ...(candidates !== undefined && { candidates }),
    ours,
    peer,
    ratio: peer ? peer.seconds / ours.seconds : null,
    ...{ atLeast, aim },
    pairsPerSecond: (database * queries) / ours.seconds,
    share: {
      operations: work.operations / ours.seconds / ceilings.operationsPerSecond,
      bytes: work.bytes / ours.seconds / ceilings.bytesPerSecond,
    },
  };
}

/**
 * Two-input bitwise operations for one bit of 32 code pairs in bit-sliced search, where a word holds one bit of 32
 * items. One exclusive or brings in the query's bit. Carry-save adders count the bits that differ: the 32 planes of a
 * 32-bit code go through 26 full adders of five operations (s = a ^ b ^ c, carry = (a & b) | ((a ^ b) & c)), 4.1 a bit.
 * Comparing the six words of the counts with a threshold takes three operations a word, 0.6 a bit. Longer codes need
 * a little more adding and less comparing.
 */
const OPERATIONS_A_BIT = 5.7;
/** Pairs that such an operation serves. */
const LANES = 32;
/** Queries that share one reading of the database. */
const QUERIES_A_READING = 32;
/** An id and a distance or a product. */
const RESULT_BYTES = 8;

/** What a search has to do at least in the design above: bitwise operations, and bytes read and written. */
function workOf({ ours, database, queries, bits, k, candidates = 0 }: Row): { operations: number; bytes: number } {
  const readings = Math.ceil(queries / QUERIES_A_READING);
  const results = queries * k * RESULT_BYTES;
  // Exact search by products has no bitwise operations.
  if (ours === 'continuous') return { operations: 0, bytes: readings * database * bits * 4 + results };
  return {
    operations: (OPERATIONS_A_BIT * bits * database * queries) / LANES,
    bytes: (readings * database * bits) / 8 + queries * candidates * bits * 4 + results,
  };
}
