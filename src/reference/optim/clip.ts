import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/optim/clip.wgsl`: a gradient scaled down to what the norm of all may be. */
export function clip(
  { gradient, rows, squares }: { gradient: Writable; rows: Numbers; squares: Numbers },
  { width, limit }: { width: number; limit: number },
): void {
  const norm = Math.sqrt(squares[0]!);
  if (!(norm > limit)) return;
  for (let index = 0; index < rows[0]! * width; index += 1) gradient[index] = gradient[index]! * (limit / norm);
}
