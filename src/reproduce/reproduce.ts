/** From a folder of data sets to the paper's tables: finds what is missing, runs it, and writes the report. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HashgnnError, InputError, InterruptedError } from '../base/errors.js';
import { LOCK } from '../base/files.js';
import { type FolderLock, type LockOwner, lockFolderInTurn, tryLockFolder } from '../base/lock.js';
import type { Gpu } from '../gpu/index.js';
import { type RunEvents, readResult, trainToFolder } from '../train/index.js';
import { comparisonsOf } from './comparisons.js';
import { curveOf } from './curve.js';
import { type FoundData, findData } from './data_sets.js';
import { Estimate } from './estimate.js';
import type { Exhibit } from './exhibits/index.js';
import { type FinishedRun, IncludedRuns } from './included.js';
import { orderingsOf } from './orderings.js';
import type { DataName } from './paper.js';
import { isTrainable, lackingFor, merged, type PlannedRun, runsOf } from './plan.js';
import { type Profile, presetOf, type Role } from './profiles.js';
import { writeReport } from './report.js';
import type { Measured, Missing, Results, RunResult } from './results.js';
import { evaluateAndKeep, keptEvaluation, keptRecalls, type RunEvaluation } from './run_evaluation.js';
import { keptYardsticks } from './yardsticks.js';

export interface ReproduceRequest {
  readonly exhibits: readonly Exhibit[];
  readonly profile: Profile;
  /** What the report calls it. */
  readonly profileName: string;
  /** Only these systems; all unless told. */
  readonly models?: readonly string[] | undefined;
  /** Only trainings in these roles; in all unless told. */
  readonly roles?: readonly Role[] | undefined;
  /** Folder of data sets. */
  readonly data?: string | undefined;
  /** Several processes may work in it at once. */
  readonly out: string;
  /**
   * Results of other folders: a run that is not in `out` and that one of them has is taken from there, from the first that
   * has it, and not trained here.
   */
  readonly include?: readonly string[] | undefined;
  /** Trains nothing: the report is of what is finished. */
  readonly reportOnly?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What is told on the way. */
export interface ReproduceEvents {
  onWords?(text: string): void;
  onMissing?(missing: Missing): void;
  /** Before the first run: how many there are, and how many of them are finished already. */
  onPlan?(plan: { readonly runs: number; readonly finished: number }): void;
  /**
   * Before a run that is not finished.
   * @param place from 1, of those in the plan
   * @param left seconds that it and all after it will take, judged by the steps done so far; undefined before any
   * @returns who is told of its training, and an end of the telling
   */
  onRun?(
    run: PlannedRun,
    place: { readonly number: number; readonly runs: number; left(step: number): number | undefined },
  ): { readonly events: RunEvents; end(): void } | undefined;
  onFailed?(run: PlannedRun, error: HashgnnError): void;
}

/**
 * Runs what is missing below `out` and writes `report.html`, `results.json`, `csv/` and `figures/` there. What was
 * interrupted goes on where it was; what is finished is neither trained nor evaluated again. A run that fails is named in
 * the report, and the others go on.
 *
 * Several processes may do so in one folder at once and share the work: each takes runs that no other has begun, and waits
 * at the end for those that others have; the runs of one that dies are taken over.
 *
 * @throws InputError where nothing can be run, as none of the data sets is there, or where `include` names what
 * are no results
 * @throws InterruptedError after `signal`, with everything saved and a report of what there is
 */
export async function reproduce(gpu: Gpu, request: ReproduceRequest, events: ReproduceEvents = {}): Promise<Results> {
  return new Reproduction(gpu, request, events).run();
}

/** Between two looks at runs that other processes train. */
const LOOK_MS = 500;

/** A run that another process has. */
interface Elsewhere {
  readonly id: string;
  readonly owner: LockOwner;
}

/** The lock of a process of this machine that has died is taken over; of another machine's nobody can know. */
const waitingFor = (what: string, { pid, host }: LockOwner) =>
  `waiting for ${what}: process ${pid} on ${host} is writing there; if it is gone, delete ${LOCK} in the folder`;

/** What a run is trained with. */
interface Training {
  readonly lock: FolderLock;
  readonly estimate: Estimate;
  readonly place: Parameters<NonNullable<ReproduceEvents['onRun']>>[1];
}

class Reproduction {
  private readonly found: FoundData[] = [];
  private readonly missing: Missing[] = [];
  private readonly failed: { id: string; why: string }[] = [];
  private readonly finished = new Map<string, FinishedRun>();
  private planned: PlannedRun[] = [];
  private included!: IncludedRuns;
  private yardsticks: Results['yardsticks'][number][] = [];

  constructor(
    private readonly gpu: Gpu,
    private readonly request: ReproduceRequest,
    private readonly events: ReproduceEvents,
  ) {}

  async run(): Promise<Results> {
    const { signal, out, include = [] } = this.request;
    const needs = this.needs();
    this.included = await IncludedRuns.read(include);
    await this.alone(() => this.findAll(needs.map(({ data }) => data)));
    this.planned = needs.flatMap((need) => {
      const data = this.found.find(({ name }) => name === need.data);
      return data ? runsOf(need, this.request.profile, data.dataset) : [];
    });
    // Data set by data set, so that each is complete as early as it can be.
    this.planned.sort((a, b) => this.placeOf(a.data) - this.placeOf(b.data));
    try {
      await this.alone(() => this.measureYardsticks());
      await this.trainAll();
    } catch (error) {
      if (!(error instanceof InterruptedError)) throw error;
      await this.reportNow();
      throw new InterruptedError(`${error.message.split(';')[0]}; everything is saved`, {
        where: out,
        fix: 'the same command goes on from there',
      });
    }
    const results = await this.alone(() => this.report());
    if (signal?.aborted) this.events.onWords?.('interrupted when everything was done');
    return results;
  }

  private folderOf = ({ id }: PlannedRun) => join(this.request.out, 'runs', id);
  private placeOf = (data: DataName) => this.found.findIndex(({ name }) => name === data);
  private datasetOf = (data: DataName) => this.found[this.placeOf(data)]!.dataset;

  private note(missing: Missing): void {
    this.missing.push(missing);
    this.events.onMissing?.(missing);
  }

  /** Does what one process at a time may do in the folder. */
  private async alone<T>(work: () => Promise<T>): Promise<T> {
    const { out, signal } = this.request;
    const onWait = (owner: LockOwner) => this.events.onWords?.(waitingFor(out, owner));
    const lock = await lockFolderInTurn(out, { signal, onWait }).catch((error: Error) => {
      this.throwIfInterrupted();
      throw error;
    });
    try {
      return await work();
    } finally {
      await lock.release();
    }
  }

  /** Writes the report without waiting: what keeps the folder from this process will write its own. */
  private async reportNow(): Promise<void> {
    const lock = await tryLockFolder(this.request.out);
    if (!('release' in lock)) return;
    try {
      await this.report();
    } finally {
      await lock.release();
    }
  }

  private throwIfInterrupted(): void {
    if (this.request.signal?.aborted) throw new InterruptedError('interrupted between two runs');
  }

  /** What the exhibits need and this version can train. */
  private needs() {
    const { exhibits, profile, models, roles } = this.request;
    const wanted = merged(exhibits.flatMap((exhibit) => exhibit.needs(profile))).filter(
      ({ model, role }) => (!models || models.includes(model)) && (!roles || roles.includes(role)),
    );
    const what = lackingFor(wanted);
    if (what !== undefined) this.note({ what });
    return wanted.filter(isTrainable);
  }

  private async findAll(needed: readonly DataName[]): Promise<void> {
    const { exhibits, profile, data, out, signal } = this.request;
    const report = (text: string) => this.events.onWords?.(text);
    const shown = exhibits.flatMap((exhibit) => exhibit.shows?.(profile) ?? []);
    const settings = { folder: data, out: join(out, 'data'), alibabaSize: profile.alibabaSize, signal, report };
    const lacking: Missing[] = [];
    const names = new Set([...shown, ...needed]);
    if (names.size === 0) {
      throw new InputError(`nothing is left to train for ${exhibits.map(({ name }) => name).join(', ')}`, {
        where: '--models and --presets',
        fix: 'leave one of them out, or ask for `all`',
      });
    }
    for (const name of names) {
      const answer = await findData(name, settings);
      if ('dataset' in answer) this.found.push(answer);
      else lacking.push({ what: answer.lacking, fix: answer.fix });
    }
    if (this.found.length === 0) {
      throw new InputError(`no data set is there: ${lacking.map(({ what }) => what).join('; ')}`, {
        where: data ?? '--data',
        fix: lacking.map(({ fix }) => fix).join('; '),
      });
    }
    for (const one of lacking) this.note(one);
  }

  private async measureYardsticks(): Promise<void> {
    const widths = new Map(
      this.planned.map(({ data, options }) => [`${data} ${options.bits}`, { data, width: options.bits }]),
    );
    for (const { data, width } of widths.values()) {
      this.throwIfInterrupted();
      const folder = join(this.request.out, 'yardsticks');
      this.yardsticks.push({ data, width, ...(await keptYardsticks(this.gpu, this.datasetOf(data), width, folder)) });
    }
  }

  private async trainAll(): Promise<void> {
    const { signal, reportOnly } = this.request;
    const estimate = new Estimate(this.planned);
    for (const run of this.planned) await this.collectFinished(run, estimate);
    this.events.onPlan?.({ runs: this.planned.length, finished: this.finished.size });
    if (reportOnly) return;
    for (let told = false; ; ) {
      const { worked, elsewhere } = await this.trainOpen(estimate);
      if (elsewhere.length === 0) return;
      if (worked) continue;
      const [{ id, owner }] = elsewhere as [Elsewhere];
      const more = elsewhere.length > 1 ? ` and ${elsewhere.length - 1} more` : '';
      if (!told) this.events.onWords?.(waitingFor(`${id}${more}`, owner));
      told = true;
      await sleep(LOOK_MS, undefined, { signal }).catch(() => this.throwIfInterrupted());
    }
  }

  /** Trains, in the order of the plan, what is open and no other process has. */
  private async trainOpen(estimate: Estimate): Promise<{ worked: boolean; elsewhere: Elsewhere[] }> {
    const elsewhere: Elsewhere[] = [];
    let worked = false;
    for (const [at, run] of this.planned.entries()) {
      if (this.finished.has(run.id) || this.failed.some(({ id }) => id === run.id)) continue;
      this.throwIfInterrupted();
      const lock = await tryLockFolder(this.folderOf(run));
      if (!('release' in lock)) {
        elsewhere.push({ id: run.id, owner: lock });
        continue;
      }
      worked = true;
      try {
        if (await this.collectFinished(run, estimate)) continue;
        const others = new Set(elsewhere.map(({ owner }) => `${owner.pid} ${owner.host}`)).size;
        const left = (step: number) => {
          const seconds = estimate.left(run, step);
          return seconds && seconds / (1 + others);
        };
        const place = { number: at + 1, runs: this.planned.length, left };
        await this.trainOne(run, { lock, estimate, place });
      } finally {
        await lock.release();
      }
    }
    return { worked, elsewhere };
  }

  /** Trains and evaluates a run, or notes that it failed. */
  private async trainOne(run: PlannedRun, { lock, estimate, place }: Training): Promise<void> {
    const telling = this.events.onRun?.(run, place);
    try {
      estimate.finish(run, await this.train(run, lock, estimate.watching(run, telling?.events)));
    } catch (error) {
      if (!(error instanceof HashgnnError) || error instanceof InterruptedError) throw error;
      // A device that has failed fails in every run to come.
      this.gpu.throwIfFailed();
      this.failed.push({ id: run.id, why: error.message });
      estimate.drop(run);
      this.events.onFailed?.(run, error);
    } finally {
      telling?.end();
    }
  }

  /** Trains and evaluates; seconds a step. */
  private async train(run: PlannedRun, lock: FolderLock, events: RunEvents): Promise<number> {
    const folder = this.folderOf(run);
    const dataset = this.datasetOf(run.data);
    if (!(await stat(join(folder, 'result.json')).catch(() => undefined))) {
      // The likely variants of kernels and not the tuned ones: a measurement that comes out otherwise would change bytes.
      await trainToFolder(this.gpu, dataset, run.options, folder, {
        ...{ resume: true, signal: this.request.signal, events, lock },
      });
    }
    this.throwIfInterrupted();
    return this.collect(run, await evaluateAndKeep(this.gpu, folder, dataset));
  }

  /** Takes a run into the results if it is trained and evaluated, by whomever. */
  private async collectFinished(run: PlannedRun, estimate: Estimate): Promise<boolean> {
    const evaluation = await keptEvaluation(this.folderOf(run));
    if (evaluation) {
      estimate.finish(run, await this.collect(run, evaluation));
      return true;
    }
    const included = await this.included.find(run, this.datasetOf(run.data).summary.fingerprint);
    if (!included) return false;
    this.finished.set(run.id, included);
    // Its seconds are those of another machine.
    estimate.drop(run);
    return true;
  }

  /** Takes a finished run into the results; seconds a step. */
  private async collect(run: PlannedRun, evaluation: RunEvaluation): Promise<number> {
    const folder = this.folderOf(run);
    const { data, model, role, changes, id, seed, options } = run;
    const { best, seconds, memory, steps, adapter } = await readResult(folder);
    const { candidates, users, metrics, health } = evaluation;
    const result: RunResult = {
      ...{ id, data, model, role, preset: presetOf(data, role), changes, seed, steps, bits: options.bits, adapter },
      best: best && { step: best.step, selection: best.selection },
      ...{ candidates, users, metrics, health, memory: { predicted: memory.predicted.peak, peak: memory.peakBytes } },
      ...(run.curve && { curve: await curveOf(folder) }),
    };
    const times = { training: seconds.training, toBest: seconds.toBest, searches: evaluation.seconds };
    this.finished.set(id, { result, times, recalls: await keptRecalls(folder) });
    return seconds.training / steps;
  }

  /** Writes the report of what there is. */
  private async report(): Promise<Results> {
    const { profile, profileName, exhibits, out } = this.request;
    const done = this.planned.flatMap(({ id }) => this.finished.get(id) ?? []);
    const failed = new Set(this.failed.map(({ id }) => id));
    const measured: Measured = {
      ...{ format: 'hashgnn-reproduction', version: 1, profile: { name: profileName, ...profile } },
      exhibits: exhibits.map(({ name }) => name),
      ...{ adapter: this.gpu.name, versions: { node: process.version } },
      data: this.found.map(({ name, generated, split, dataset: { summary } }) => ({
        ...{ name, generated, split, statistics: summary.statistics, fingerprint: summary.fingerprint },
      })),
      ...{ missing: this.missing, failed: this.failed },
      unfinished: this.planned.map(({ id }) => id).filter((id) => !this.finished.has(id) && !failed.has(id)),
      runs: done.map(({ result }) => result),
      yardsticks: this.yardsticks,
      times: {
        date: new Date().toISOString(),
        runs: Object.fromEntries(done.map(({ result, times }) => [result.id, times])),
      },
    };
    const recalls = new Map(done.flatMap(({ result, recalls }) => (recalls ? [[result.id, recalls] as const] : [])));
    const { times, ...rest } = measured;
    const comparisons = comparisonsOf(measured, recalls, this.included.comparisons(measured.runs));
    const concluded = { comparisons, orderings: orderingsOf(measured) };
    const results: Results = { ...rest, ...concluded, times };
    await writeReport(results, exhibits, out);
    return results;
  }
}
