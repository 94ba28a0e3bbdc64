import { NONE } from '../lib/none.js';
import type { Numbers, Writable } from '../types.js';

const sigmoid = (x: number) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const sigmoidSlope = (x: number) => sigmoid(x) * sigmoid(-x);

export interface PairsParameters {
  batch: number;
  width: number;
  slots: number;
  negatives: number;
  triplets: number;
  cross_entropy_weight: number;
  ranking_weight: number;
  margin: number;
  later_first: number;
  later_weight: number;
}

/**
 * Twin of `shaders/loss/pairs.wgsl`: the terms of every edge (cross-entropy, ranking, share of the scale's gradient,
 * fraction of negatives below the positive) and the gradient of the weighted total by every score (paper, eq. 4 to 7).
 */
export function pairs(
  bindings: { guided: Numbers; pairs: Numbers; scale: Numbers; score_gradient: Writable; edge_terms: Writable },
  parameters: PairsParameters,
  { RANKING = 0 }: { RANKING?: number } = {},
): void {
  const { guided, pairs: entries, scale, score_gradient, edge_terms } = bindings;
  const { batch, width, slots, negatives, triplets, margin, later_first, later_weight } = parameters;
  for (let edge = 0; edge < batch; edge += 1) {
    const importance = edge >= later_first ? later_weight : 1;
    const cross_entropy_weight = importance * parameters.cross_entropy_weight;
    const ranking_weight = importance * parameters.ranking_weight;
    const firstPair = edge * (2 + slots);
    const firstScore = edge * (1 + slots);
    for (let other = 0; other <= slots; other += 1) score_gradient[firstScore + other] = 0;
    for (let term = 0; term < 4; term += 1) edge_terms[edge * 4 + term] = 0;
    const user = entries[firstPair]!;
    const positive = entries[firstPair + 1]!;
    if (user === NONE || positive === NONE) continue;
    const product = (row: number) => {
      let sum = 0;
      for (let bit = 0; bit < width; bit += 1) sum += guided[user * width + bit]! * guided[row * width + bit]!;
      return sum;
    };
    const positiveScore = scale[0]! * product(positive);
    let crossEntropy = softplus(-positiveScore);
    let positiveGradient = -cross_entropy_weight * sigmoid(-positiveScore);
    let ranking = 0;
    let scaleGradient = 0;
    let below = 0;
    let present = 0;
    for (let slot = 0; slot < slots; slot += 1) {
      const row = entries[firstPair + 2 + slot]!;
      if (row === NONE) continue;
      const score = scale[0]! * product(row);
      let gradient = 0;
      if (slot < negatives) {
        crossEntropy += softplus(score);
        gradient += cross_entropy_weight * sigmoid(score);
      }
      if (slot < triplets && RANKING === 1) {
        ranking += softplus(score - positiveScore);
        gradient += ranking_weight * sigmoid(score - positiveScore);
        positiveGradient -= ranking_weight * sigmoid(score - positiveScore);
      } else if (slot < triplets) {
        const excess = sigmoid(score) - sigmoid(positiveScore) + margin;
        if (excess > 0) {
          ranking += excess;
          gradient += ranking_weight * sigmoidSlope(score);
          positiveGradient -= ranking_weight * sigmoidSlope(positiveScore);
        }
      }
      score_gradient[firstScore + 1 + slot] = gradient;
      scaleGradient += gradient * product(row);
      present += 1;
      below += score < positiveScore ? 1 : score === positiveScore ? 0.5 : 0;
    }
    score_gradient[firstScore] = positiveGradient;
    scaleGradient += positiveGradient * product(positive);
    edge_terms[edge * 4] = importance * crossEntropy;
    edge_terms[edge * 4 + 1] = importance * ranking;
    edge_terms[edge * 4 + 2] = scaleGradient;
    edge_terms[edge * 4 + 3] = present > 0 ? below / present : 0.5;
  }
}
