// The multinomial likelihood of users' training items among all items, forward and gradient in one (Liang et al., WWW
// 2018, eq. 2): with s_ui = scale · ⟨v_u, v_i⟩ and π_u = softmax over all items of s_u,
//
//   loss = weight · Σ_u degree(u)^-flattening · Σ_(i in N(u)) -ln π_ui - distillation · Σ_u Σ_i g_ui s_ui
//
// where g_ui = teacher_ui / teacher_scale is the gradient of such a loss by its own scores, which stays as it is: with it the
// targets are a mixture of the training items and of the teacher's probabilities (Hinton et al., 2015, section 2).
//
//   users          [batch]          user numbers
//   offsets        [N + 1]          the graph by rows, users' rows first
//   neighbours     [2 · edges]      node numbers: first_item + item
//   scale          [1]
//   teacher        [batch, stride]  what this kernel left in `scores` for the teacher; unread where distillation is 0
//   teacher_scale  [1]              and with which scale; the same
//   scores         [batch, stride]  before: ⟨v_u, v_i⟩ of all items; after: ∂loss/∂⟨v_u, v_i⟩; columns beyond the items: 0
//   terms          [batch, 4]       of this user: its share of the loss (without `weight`); 0; its share of ∂loss/∂scale
//                                   (with `weight`); and the fraction of items without an edge that score below one of its
//                                   items, ties counting half (1/2 where there is none)
//
// That item is number ((first_row + row) mod degree) of the user's. A user without training items contributes nothing.
//
// LANES invocations a user, a power of two that divides WORKGROUP: each goes through every LANES-th four columns, and a
// tree in shared memory adds their sums, always in the same order. Goes three times through the scores.

#import grid
#import lanes

override WORKGROUP: u32 = 64;
override LANES: u32 = 1;

struct Parameters {
  batch: u32,
  items: u32,
  // Columns of a row of scores, a multiple of 4.
  stride: u32,
  first_item: u32,
  weight: f32,
  flattening: f32,
  // With the ratio of this weight and the teacher's.
  distillation: f32,
  // Users before these in the batch.
  first_row: u32,
}

@group(0) @binding(0) var<storage, read> users: array<u32>;
@group(0) @binding(1) var<storage, read> offsets: array<u32>;
@group(0) @binding(2) var<storage, read> neighbours: array<u32>;
@group(0) @binding(3) var<storage, read> scale: array<f32>;
@group(0) @binding(4) var<storage, read> teacher: array<f32>;
@group(0) @binding(5) var<storage, read> teacher_scale: array<f32>;
@group(0) @binding(6) var<storage, read_write> scores: array<f32>;
@group(0) @binding(7) var<storage, read_write> terms: array<vec4f>;
@group(0) @binding(8) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let invocation = linear_invocation(group, groups, WORKGROUP, local);
  let row = invocation / LANES;
  let lane = invocation % LANES;
  let inside = row < parameters.batch;
  let items = select(0u, parameters.items, inside);
  let first = row * parameters.stride;
  let factor = scale[0];
  var begin = 0u;
  var degree = 0u;
  if (inside) {
    begin = offsets[users[row]];
    degree = offsets[users[row] + 1u] - begin;
  }

  // The largest score, so that no exponential overflows.
  var most = -0x1p126;
  for (var item = lane; item < items; item += LANES) {
    most = max(most, factor * scores[first + item]);
  }
  most = over_lanes(vec4f(most), local, true).x;

  // x: Σ exp; y, z: items below the chosen one, ties half, those with an edge taken off; w: Σ of the items' products.
  var chosen = 0.0;
  if (degree > 0u) {
    chosen = factor * scores[first + neighbours[begin + (parameters.first_row + row) % degree] - parameters.first_item];
  }
  var sums = vec4f();
  for (var item = lane; item < items; item += LANES) {
    let score = factor * scores[first + item];
    sums.x += exp(score - most);
    sums.y += select(select(0.0, 0.5, score == chosen), 1.0, score < chosen);
  }
  for (var entry = lane; entry < degree; entry += LANES) {
    let product = scores[first + neighbours[begin + entry] - parameters.first_item];
    let score = factor * product;
    sums.y -= select(select(0.0, 0.5, score == chosen), 1.0, score < chosen);
    sums.z += score - most;
    sums.w += product;
  }
  sums = over_lanes(sums, local, false);

  let count = f32(degree);
  let share = select(0.0, pow(count, -parameters.flattening), degree > 0u);
  let slope = parameters.weight * share;
  let lesson = select(0.0, parameters.distillation, degree > 0u) / teacher_scale[0];
  // x: Σ of gradients by products; y: of what the teacher takes off, by scores.
  var expected = vec4f();
  for (var item = lane; item < select(0u, parameters.stride, inside); item += LANES) {
    var gradient = 0.0;
    if (item < items) {
      let product = scores[first + item];
      let chance = exp(factor * product - most) / sums.x;
      gradient = slope * count * chance;
      if (parameters.distillation > 0.0) {
        let taught = lesson * teacher[first + item];
        gradient -= taught;
        expected.y += taught * factor * product;
      }
      expected.x += gradient * product;
    }
    scores[first + item] = factor * gradient;
  }
  expected = over_lanes(expected, local, false);
  if (LANES > 1u) {
    storageBarrier();
  }
  for (var entry = lane; entry < degree; entry += LANES) {
    scores[first + neighbours[begin + entry] - parameters.first_item] -= factor * slope;
  }
  if (inside && lane == 0u) {
    let others = f32(items - degree);
    let below = select(0.5, sums.y / max(others, 1.0), degree > 0u && items > degree);
    let likelihood = select(0.0, share * (count * log(sums.x) - sums.z), degree > 0u);
    let loss = likelihood - expected.y / parameters.weight;
    terms[row] = vec4f(loss, 0.0, expected.x - slope * sums.w, below);
  }
}
