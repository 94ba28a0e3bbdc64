/** What the command asks of the process that measures, and what that answers. */
import type { Timing } from '../timing.js';

/** One shader with what may differ between the two sides. */
export interface Side {
  /** The file's name, for people. */
  readonly file: string;
  readonly text: string;
  readonly entry?: string;
  /** Values of `override` constants as they were written. */
  readonly constants: Readonly<Record<string, string>>;
  /** Those of them that were said of the other side, and that this one need not have. */
  readonly inherited?: readonly string[];
  readonly workgroups?: readonly number[];
}

export interface Job {
  readonly ours: Side;
  readonly against?: Side;
  /** Elements of the runtime-sized arrays, by the buffer's name. */
  readonly sizes: Readonly<Record<string, number>>;
  /** `zero`, `random`, `ramp` or a number, by the buffer's name. */
  readonly fills: Readonly<Record<string, string>>;
  /** Values of uniforms and of their members, as they were written. */
  readonly sets: Readonly<Record<string, string>>;
  /** Invocations wanted, where no workgroups are given. */
  readonly invocations?: number;
  readonly repeat: number;
  readonly seed: number;
  /** Relative and absolute difference of floats that counts as equal. */
  readonly tolerance: number;
  /** Operations of one dispatch. */
  readonly operations?: number;
  readonly adapter?: string;
}

/** The object of `--json`. */
export interface KernelBenchResult {
  readonly file: string;
  readonly entry: string;
  readonly adapter: string;
  readonly driver: string;
  readonly workgroups: readonly [number, number, number];
  readonly workgroupSize: readonly [number, number, number];
  readonly bindings: readonly { readonly name: string; readonly access: string; readonly bytes: number }[];
  /** Dispatches of one measurement; its seconds are divided by them. */
  readonly dispatches: number;
  /** Seconds of one dispatch. */
  readonly seconds: number;
  readonly spread: number;
  readonly all: readonly number[];
  /** Bytes of all buffers by the seconds: the rate if each is touched once. */
  readonly bytesPerSecond: number;
  readonly operationsPerSecond?: number;
  /** Whether any buffer holds floats, so that operations are called floating-point ones. */
  readonly floats: boolean;
  readonly against?: Timing & {
    readonly file: string;
    readonly entry: string;
    readonly workgroups: readonly [number, number, number];
    readonly workgroupSize: readonly [number, number, number];
    readonly dispatches: number;
    /** Its median by ours: above 1 where ours is faster. */
    readonly ratio: number;
    /** Values that were compared and found equal. */
    readonly compared: number;
  };
  readonly seed: number;
}

/** What the measuring process sends. */
export type Message =
  /** `limited`: what begins now is the shader's or its compiler's doing, and falls under the time limit. */
  | { readonly step: string; readonly limited: boolean; readonly done: number }
  | { readonly result: KernelBenchResult }
  | {
      readonly error: {
        readonly kind: string;
        readonly message: string;
        readonly where?: string;
        readonly fix?: string;
      };
    };
