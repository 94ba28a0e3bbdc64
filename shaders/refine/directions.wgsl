// In which direction each inner product of codes should go, for codes whose probabilities imitate a teacher's. With
// s_ui = ⟨h_u, b_i⟩, π'_u the softmax of scale · s_u over the items that are not the user's own, and the teacher's π_u, a
// change of one bit of h_u or b_i moves s_ui by ±2. How far the cross-entropy
//
//   Σ_u -Σ_i π_ui ln π'_ui = Σ_u (ln Σ_i exp(scale · s_ui) - scale · Σ_i π_ui s_ui)
//
// then changes at most is linear in D_ui = 2 · scale · π_ui - sinh(2 · scale) · π'_ui; see refine/flip.
//
//   offsets  [users + 1]     where each user's list begins in columns
//   columns  [own]           the users' own items, ascending in each list
//   factors  [4]             scale, sinh(2 · scale), cosh(2 · scale) - 1, and 0
//   teacher  [rows, stride]  π, of which rows sum to 1, or are 0 where a user has all items
//   scores   [rows, stride]  before: s of all items, between ±2^49; after: D, 0 for own items and in columns beyond the items
//   terms    [rows, 4]       the user's cross-entropy; Σ_i π'_ui s_ui and Σ_i π_ui s_ui, whose difference is its derivative
//                            by the scale; and the variance of s_ui under π'_u, the second one. All 0 where the user has all.
//
// Row r is user first_row + r. LANES invocations a user, as in refine/probabilities; each goes three times through the scores
// and twice through the teacher.

#import grid
#import lanes
#import unseen

override WORKGROUP: u32 = 64;
override LANES: u32 = 1;

struct Parameters {
  rows: u32,
  first_row: u32,
  items: u32,
  // Columns of a row of scores, a multiple of 4.
  stride: u32,
}

@group(0) @binding(0) var<storage, read> offsets: array<u32>;
@group(0) @binding(1) var<storage, read> columns: array<u32>;
@group(0) @binding(2) var<storage, read> factors: array<f32>;
@group(0) @binding(3) var<storage, read> teacher: array<f32>;
@group(0) @binding(4) var<storage, read_write> scores: array<f32>;
@group(0) @binding(5) var<storage, read_write> terms: array<vec4f>;
@group(0) @binding(6) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let invocation = linear_invocation(group, groups, WORKGROUP, local);
  let row = invocation / LANES;
  let lane = invocation % LANES;
  let inside = row < parameters.rows;
  let items = select(0u, parameters.items, inside);
  let user = parameters.first_row + min(row, parameters.rows - 1u);
  let first = row * parameters.stride;
  let scale = factors[0];

  mark_own(user, first, lane, inside);
  let most = largest_score(first, items, lane, local);

  // Σ exp, its first and second moments, and the teacher's first moment. The teacher is 0 where items are the user's own.
  var sums = vec4f();
  for (var item = lane; item < items; item += LANES) {
    let score = scores[first + item] - most;
    let power = power_of(scores[first + item], score, scale);
    sums += vec4f(power, power * score, power * score * score, teacher[first + item] * score);
  }
  sums = over_lanes(sums, local, false);
  let there = sums.x > 0.0;
  let inverse = select(0.0, 1.0 / sums.x, there);

  for (var item = lane; item < select(0u, parameters.stride, inside); item += LANES) {
    var direction = 0.0;
    if (item < items) {
      let probability = power_of(scores[first + item], scores[first + item] - most, scale) * inverse;
      direction = 2.0 * scale * teacher[first + item] - factors[1] * probability;
    }
    scores[first + item] = direction;
  }
  if (inside && lane == 0u) {
    let mean = sums.y * inverse;
    let spread = sums.z * inverse - mean * mean;
    let all = vec4f(log(sums.x) - scale * sums.w, most + mean, most + sums.w, spread);
    terms[row] = select(vec4f(), all, there);
  }
}
