import type { Writable } from '../types.js';

/** Twin of `shaders/optim/advance.wgsl`: the step grows by one. */
export function advance({ state }: { state: Writable }): void {
  state[0] = state[0]! + 1;
}
