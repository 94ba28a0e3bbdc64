import type { Numbers, Writable } from '../types.js';

/** Twin of `shaders/loss/multinomial.wgsl`: the multinomial likelihood of users' items, and its gradient by the scores. */
export function multinomial(
  bindings: {
    users: Numbers;
    offsets: Numbers;
    neighbours: Numbers;
    scale: Numbers;
    teacher: Numbers;
    teacher_scale: Numbers;
    scores: Writable;
    terms: Writable;
  },
  parameters: {
    batch: number;
    items: number;
    stride: number;
    first_item: number;
    weight: number;
    flattening: number;
    distillation: number;
    first_row: number;
  },
): void {
  const { users, offsets, neighbours, scale, teacher, teacher_scale, scores, terms } = bindings;
  const { batch, items, stride, first_item, weight, flattening, distillation, first_row } = parameters;
  for (let row = 0; row < batch; row += 1) {
    const begin = offsets[users[row]!]!;
    const degree = offsets[users[row]! + 1]! - begin;
    const own = Array.from({ length: degree }, (_, entry) => neighbours[begin + entry]! - first_item);
    const products = Array.from({ length: items }, (_, item) => scores[row * stride + item]!);
    for (let column = 0; column < stride; column += 1) scores[row * stride + column] = 0;
    for (let term = 0; term < 4; term += 1) terms[row * 4 + term] = 0;
    terms[row * 4 + 3] = 0.5;
    if (degree === 0) continue;
    const logits = products.map((product) => scale[0]! * product);
    const most = Math.max(...logits);
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0);
    const share = degree ** -flattening;
    // ∂loss/∂(scale · ⟨v_u, v_i⟩)
    const slopes = logits.map((logit) => (weight * share * degree * Math.exp(logit - most)) / total);
    for (const item of own) slopes[item]! -= weight * share;
    if (distillation > 0) {
      logits.forEach((logit, item) => {
        const taught = (distillation * teacher[row * stride + item]!) / teacher_scale[0]!;
        slopes[item]! -= taught;
        terms[row * 4]! -= (taught * logit) / weight;
      });
    }
    slopes.forEach((slope, item) => {
      scores[row * stride + item] = scale[0]! * slope;
      terms[row * 4 + 2]! += slope * products[item]!;
    });
    for (const item of own) terms[row * 4]! += share * (Math.log(total) - (logits[item]! - most));
    const chosen = logits[own[(first_row + row) % degree]!]!;
    const seen = new Set(own);
    const others = logits.filter((_, item) => !seen.has(item));
    const below = others.reduce((sum, logit) => sum + (logit < chosen ? 1 : logit === chosen ? 0.5 : 0), 0);
    if (others.length > 0) terms[row * 4 + 3] = below / others.length;
  }
}
