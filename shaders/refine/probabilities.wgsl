// Probabilities of the items that a user does not have yet, by scores: π_ui = exp(scale · s_ui) / Σ_j exp(scale · s_uj) over
// the items j that are not the user's own, and 0 for those that are. In place; each row also gives what Newton's method needs
// to find the scale at which some of the items are likeliest.
//
//   offsets  [users + 1]     where each user's list begins in columns
//   columns  [own]           the users' own items, ascending in each list
//   scale    [1]
//   scores   [rows, stride]  before: s_ui of all items, between ±2^49; after: π_ui, and 0 in columns beyond the items
//   terms    [rows, 4]       ln Σ_j exp(scale · s_uj); Σ_j π_uj s_uj, its derivative by the scale; the variance of s_uj under
//                            π_u, its second; 0. All 0 where the user has all items.
//
// Row r is user first_row + r. LANES invocations a user, a power of two that divides WORKGROUP: each goes through every
// LANES-th item, three times, and a tree in shared memory adds their sums (lib/lanes).

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
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read_write> scores: array<f32>;
@group(0) @binding(4) var<storage, read_write> terms: array<vec4f>;
@group(0) @binding(5) var<uniform> parameters: Parameters;

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
  let factor = scale[0];

  mark_own(user, first, lane, inside);
  let most = largest_score(first, items, lane, local);

  // Σ exp, and its first and second moments.
  var sums = vec4f();
  for (var item = lane; item < items; item += LANES) {
    let score = scores[first + item] - most;
    sums += power_of(scores[first + item], score, factor) * vec4f(1.0, score, score * score, 0.0);
  }
  sums = over_lanes(sums, local, false);
  let there = sums.x > 0.0;
  let inverse = select(0.0, 1.0 / sums.x, there);

  for (var item = lane; item < select(0u, parameters.stride, inside); item += LANES) {
    var probability = 0.0;
    if (item < items) {
      probability = power_of(scores[first + item], scores[first + item] - most, factor) * inverse;
    }
    scores[first + item] = probability;
  }
  if (inside && lane == 0u) {
    let mean = sums.y * inverse;
    let spread = sums.z * inverse - mean * mean;
    terms[row] = select(vec4f(), vec4f(factor * most + log(sums.x), most + mean, spread, 0.0), there);
  }
}
