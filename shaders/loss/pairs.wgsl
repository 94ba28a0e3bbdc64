// The loss of a batch of edges, forward and gradient in one: cross-entropy over observed edges and sampled non-edges
// (paper, eq. 5) and a ranking loss over triplets (eq. 6), total = cross_entropy_weight · cross-entropy +
// ranking_weight · ranking (eq. 7; the host folds means into the weights). With the learnt scale, the score of user u
// and row x is s_x = scale · ⟨ĥ_u, ĥ_x⟩ (eq. 4), and for an edge with positive p:
//
//   cross-entropy  softplus(-s_p) + Σ softplus(s_x) over the first `negatives` slots
//   ranking        over the first `triplets` slots, RANKING 0: max(0, σ(s_x) - σ(s_p) + margin) (the paper's text),
//                  RANKING 1: softplus(-(s_p - s_x)) (the published code)
//
//   guided          [n, width]           ĥ
//   pairs           [batch, 2 + slots]   rows of ĥ: user, positive, negatives; 0xffffffff for none
//   scale           [1]
//   score_gradient  [batch, 1 + slots]   ∂total/∂s of the positive and of each slot
//   edge_terms      [batch, 4]           of this edge: cross-entropy and ranking, both before those weights; its share of
//                                        ∂total/∂scale (weights included); and the fraction of its negatives that score
//                                        below its positive, ties counting half (1/2 where it has none)
//
// Edges from number later_first on count later_weight times as much (BiNE's implicit relations beside explicit ones). A
// slot without a negative contributes nothing; an edge without user or positive contributes nothing at all, and its
// row of edge_terms is 0.
//
// LANES invocations an edge: each computes the scores of every LANES-th slot into score_gradient; the first of them then
// turns the scores into terms and gradients, in order of slots. LANES divides WORKGROUP. Bound by reading rows of ĥ:
// (2 + slots) · width · 4 bytes and 2 (1 + slots) · width operations an edge.

#import grid
#import logistic
#import none

override WORKGROUP: u32 = 64;
override LANES: u32 = 1;
override RANKING: u32 = 0;

struct Parameters {
  batch: u32,
  // Columns of ĥ, a multiple of 4.
  width: u32,
  slots: u32,
  negatives: u32,
  triplets: u32,
  cross_entropy_weight: f32,
  ranking_weight: f32,
  margin: f32,
  later_first: u32,
  later_weight: f32,
}

@group(0) @binding(0) var<storage, read> guided: array<vec4f>;
@group(0) @binding(1) var<storage, read> pairs: array<u32>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read_write> score_gradient: array<f32>;
@group(0) @binding(4) var<storage, read_write> edge_terms: array<vec4f>;
@group(0) @binding(5) var<uniform> parameters: Parameters;

fn inner_product(a: u32, b: u32) -> f32 {
  let columns = parameters.width / 4u;
  let first_a = a * columns;
  let first_b = b * columns;
  var sum = vec4f();
  for (var column = 0u; column < columns; column += 1u) {
    sum += guided[first_a + column] * guided[first_b + column];
  }
  return (sum.x + sum.y) + (sum.z + sum.w);
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let invocation = linear_invocation(group, groups, WORKGROUP, local);
  let edge = invocation / LANES;
  let lane = invocation % LANES;
  let inside = edge < parameters.batch;
  let slots = parameters.slots;
  let first_pair = edge * (2u + slots);
  let first_score = edge * (1u + slots);
  var user = NONE;
  if (inside && pairs[first_pair + 1u] != NONE) {
    user = pairs[first_pair];
  }

  if (user != NONE) {
    for (var other = lane; other <= slots; other += LANES) {
      let row = pairs[first_pair + 1u + other];
      if (row != NONE) {
        score_gradient[first_score + other] = inner_product(user, row);
      }
    }
  }
  if (LANES > 1u) {
    storageBarrier();
  }
  if (!inside || lane != 0u) {
    return;
  }
  if (user == NONE) {
    for (var other = 0u; other <= slots; other += 1u) {
      score_gradient[first_score + other] = 0.0;
    }
    edge_terms[edge] = vec4f();
    return;
  }

  let factor = scale[0];
  let importance = select(1.0, parameters.later_weight, edge >= parameters.later_first);
  let cross_entropy_weight = importance * parameters.cross_entropy_weight;
  let ranking_weight = importance * parameters.ranking_weight;
  let positive_product = score_gradient[first_score];
  let positive_score = factor * positive_product;
  let positive_chance = sigmoid(positive_score);
  let positive_slope = ranking_weight * sigmoid_slope(positive_score);
  var cross_entropy = softplus(-positive_score);
  var positive_gradient = -cross_entropy_weight * sigmoid(-positive_score);
  var ranking = 0.0;
  var scale_gradient = 0.0;
  var below = 0.0;
  var present = 0.0;
  for (var slot = 0u; slot < slots; slot += 1u) {
    let at = first_score + 1u + slot;
    if (pairs[first_pair + 2u + slot] == NONE) {
      score_gradient[at] = 0.0;
      continue;
    }
    let product = score_gradient[at];
    let score = factor * product;
    var gradient = 0.0;
    if (slot < parameters.negatives) {
      cross_entropy += softplus(score);
      gradient = cross_entropy_weight * sigmoid(score);
    }
    if (slot < parameters.triplets) {
      if (RANKING == 1u) {
        let excess = score - positive_score;
        let slope = ranking_weight * sigmoid(excess);
        ranking += softplus(excess);
        gradient += slope;
        positive_gradient -= slope;
      } else {
        let excess = sigmoid(score) - positive_chance + parameters.margin;
        if (excess > 0.0) {
          ranking += excess;
          gradient += ranking_weight * sigmoid_slope(score);
          positive_gradient -= positive_slope;
        }
      }
    }
    score_gradient[at] = gradient;
    scale_gradient += gradient * product;
    present += 1.0;
    below += select(select(0.0, 0.5, score == positive_score), 1.0, score < positive_score);
  }
  score_gradient[first_score] = positive_gradient;
  scale_gradient += positive_gradient * positive_product;
  let order = select(below / max(present, 1.0), 0.5, present == 0.0);
  edge_terms[edge] = vec4f(importance * cross_entropy, importance * ranking, scale_gradient, order);
}
