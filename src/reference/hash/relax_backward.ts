import type { Numbers, Writable } from '../types.js';
import { inside } from './relax.js';

/** Twin of `shaders/hash/relax_backward.wgsl`: ∂ĥ/∂z = β (1 - ĥ²) / (1 - z²). */
export function relaxBackward(
  bindings: {
    embedding: Numbers;
    guided: Numbers;
    guided_gradient: Numbers;
    rows: Numbers;
    state: Numbers;
    schedule: Numbers;
    embedding_gradient: Writable;
  },
  { width }: { width: number },
): void {
  const { embedding, guided, guided_gradient, rows, state, schedule, embedding_gradient } = bindings;
  const beta = schedule[state[0]! * 4]!;
  for (let at = 0; at < rows[0]! * width; at += 1) {
    const slope = (beta * (1 - guided[at]! ** 2)) / (1 - inside(embedding[at]!) ** 2);
    embedding_gradient[at] = slope * guided_gradient[at]!;
  }
}
