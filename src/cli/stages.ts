import { formatSeconds, type Output } from './output.js';
import { Progress } from './progress.js';

/** Stages shorter than this are not shown. */
const SHOWN_AFTER_MS = 2000;

/** The stages of long work, one progress line each. */
export class Stages {
  private stage = '';
  private startedAt = 0;
  private progress: Progress | undefined;

  /** @param now a clock in milliseconds */
  constructor(
    private readonly output: Output,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** @param total units in all; undefined where that is not known */
  update(stage: string, done: number, total: number | undefined, unit: string): void {
    if (stage !== this.stage) {
      this.end();
      this.stage = stage;
      this.startedAt = this.now();
    }
    if (this.now() - this.startedAt < SHOWN_AFTER_MS) return;
    this.progress ??= new Progress({
      label: stage,
      ...(total !== undefined && { total: Math.ceil(total) }),
      from: Math.floor(done),
      unit,
      quiet: this.output.quiet,
      now: this.now,
    });
    this.progress.update(Math.floor(done));
  }

  /** A line for people, which ends the stage. */
  say(text: string): void {
    this.end();
    this.output.say(text);
  }

  /** Does the work, and ends its last stage by what came of it. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      this.end();
      return result;
    } catch (error) {
      this.end('stopped after');
      throw error;
    }
  }

  private end(how = 'done in'): void {
    this.progress?.done(`${this.stage}  ${how} ${formatSeconds((this.now() - this.startedAt) / 1000)}`);
    this.progress = undefined;
    this.stage = '';
  }
}
