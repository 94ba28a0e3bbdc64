import { formatCount, formatSeconds, textWidth } from './output.js';

/** What `Progress` writes to; standard error unless told. */
export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface ProgressOptions {
  /** What is being done: "training". */
  readonly label: string;
  /** Steps in all; without it no share and no time left are shown. */
  readonly total?: number;
  /** The step to start from when work is taken up again. */
  readonly from?: number;
  /** Name of one step in the rate: "steps" gives "steps/s". */
  readonly unit?: string;
  readonly quiet?: boolean;
  readonly stream?: ProgressStream;
  /** A clock in milliseconds. */
  readonly now?: () => number;
}

/** Between two pictures of the live line. */
const LIVE_MS = 100;
/** Between two plain lines, unless a further tenth of the work is done. */
const PLAIN_MS = 10_000;
/** Tenths of the work are told no more often than this. */
const PLAIN_LEAST_MS = 1000;
/**
 * The rate is that of this last stretch. The time left is judged by all that was done since the first update, before which
 * shaders are compiled: validations, which take as long as many steps, come now and then.
 */
const WINDOW_MS = 15_000;

/**
 * How far a long piece of work is: on a terminal one live line, elsewhere plain lines now and then.
 *
 * ```
 * training  1,200/5,000  24%  loss 0.4312  85.3 steps/s  44.6 s left
 * ```
 */
export class Progress {
  private readonly stream: ProgressStream;
  private readonly live: boolean;
  private readonly now: () => number;
  private readonly startedAt: number;
  private readonly from: number;
  private window: { at: number; step: number }[];
  private first: { at: number; step: number } | undefined;
  private drawnAt = Number.NEGATIVE_INFINITY;
  private drawnTenth: number;
  private drawn = false;
  private line = '';
  private step: number;
  private ended = false;

  constructor(private readonly options: ProgressOptions) {
    this.stream = options.stream ?? process.stderr;
    this.live = this.stream.isTTY ?? false;
    this.now = options.now ?? (() => performance.now());
    this.startedAt = this.now();
    this.from = options.from ?? 0;
    this.step = this.from;
    this.window = [{ at: this.startedAt, step: this.from }];
    this.drawnTenth = this.tenth();
  }

  /**
   * Tells how far the work is; cheap enough to call at every step.
   * @param step steps done so far
   * @param metrics figures to show, such as "loss 0.4312"
   */
  update(step: number, metrics = ''): void {
    if (this.options.quiet || this.ended) return;
    const at = this.now();
    this.step = step;
    this.window.push({ at, step });
    this.first ??= { at, step };
    while (this.window.length > 2 && at - this.window[1]!.at > WINDOW_MS) this.window.shift();
    this.line = this.describe(metrics);
    const since = at - this.drawnAt;
    if (this.live) {
      if (since >= LIVE_MS) this.draw(at);
    } else if (since >= PLAIN_MS || (since >= PLAIN_LEAST_MS && this.tenth() > this.drawnTenth)) {
      this.draw(at);
    }
  }

  /** Prints a line of its own above the live line. */
  log(text: string): void {
    if (this.options.quiet) return;
    this.clear();
    this.stream.write(`${text}\n`);
    if (this.live && !this.ended && this.line) this.draw(this.now());
  }

  /**
   * Ends the work: the last state stays as a line with the time it took, or `text` in its place. Only the first call
   * counts.
   */
  done(text?: string): void {
    if (this.options.quiet || this.ended) return;
    this.ended = true;
    this.clear();
    const took = formatSeconds((this.now() - this.startedAt) / 1000);
    this.stream.write(`${text ?? `${this.options.label}  ${formatCount(this.step)} ${this.unit} in ${took}`}\n`);
  }

  private get unit(): string {
    return this.options.unit ?? 'steps';
  }

  private tenth(): number {
    return this.options.total ? Math.floor((10 * this.step) / this.options.total) : 0;
  }

  private describe(metrics: string): string {
    const { label, total } = this.options;
    const rate = this.rateSince(this.window[0]!);
    const parts = [label];
    if (total === undefined) parts.push(formatCount(this.step));
    else parts.push(`${formatCount(this.step)}/${formatCount(total)}`);
    if (total) parts.push(`${Math.floor((100 * this.step) / total)}%`);
    if (metrics) parts.push(metrics);
    if (rate > 0) {
      parts.push(
        `${rate < 10 ? rate.toFixed(2) : rate < 100 ? rate.toFixed(1) : formatCount(Math.round(rate))} ${this.unit}/s`,
      );
      const pace = this.rateSince(this.first!) || rate;
      if (total !== undefined && total > this.step) parts.push(`${formatSeconds((total - this.step) / pace)} left`);
    }
    return parts.join('  ');
  }

  /** Steps a second from then until the last update. */
  private rateSince({ at, step }: { at: number; step: number }): number {
    const last = this.window.at(-1)!;
    return last.at > at ? (1000 * (last.step - step)) / (last.at - at) : 0;
  }

  private draw(at: number): void {
    this.drawnAt = at;
    this.drawnTenth = this.tenth();
    if (!this.live) {
      this.stream.write(`${this.line}\n`);
      return;
    }
    // One column short of the edge, where some terminals would already wrap.
    const room = Math.max(1, (this.stream.columns || 80) - 1);
    let text = this.line;
    while (textWidth(text) > room) text = `${[...text].slice(0, -2).join('')}…`;
    this.stream.write(`\r\u001b[2K${text}`);
    this.drawn = true;
  }

  private clear(): void {
    if (this.drawn) this.stream.write('\r\u001b[2K');
    this.drawn = false;
  }
}
