import type { Numbers, Writable } from '../types.js';

export interface AdamSettings {
  beta1: number;
  beta2: number;
  epsilon: number;
  weight_decay: number;
}

/** One element's step of Adam (Kingma and Ba, algorithm 1), moments and parameter updated at `at`. */
export function adamStep(
  { parameter, first_moment, second_moment }: { parameter: Writable; first_moment: Writable; second_moment: Writable },
  at: number,
  gradient: number,
  { state, schedule }: { state: Numbers; schedule: Numbers },
  { beta1, beta2, epsilon, weight_decay }: AdamSettings,
): void {
  const slope = gradient + weight_decay * parameter[at]!;
  const first = beta1 * first_moment[at]! + (1 - beta1) * slope;
  const second = beta2 * second_moment[at]! + (1 - beta2) * slope * slope;
  first_moment[at] = first;
  second_moment[at] = second;
  const row = state[0]! * 4;
  parameter[at] = parameter[at]! - (schedule[row + 1]! * first) / (Math.sqrt(second * schedule[row + 2]!) + epsilon);
}

/** Twin of `shaders/optim/adam.wgsl` and its variant `adam.vec4`: Adam for a dense tensor. */
export function adam(
  bindings: {
    parameter: Writable;
    gradient: Numbers;
    first_moment: Writable;
    second_moment: Writable;
    state: Numbers;
    schedule: Numbers;
  },
  { count, ...settings }: AdamSettings & { count: number },
): void {
  for (let at = 0; at < count; at += 1) adamStep(bindings, at, bindings.gradient[at]!, bindings, settings);
}
