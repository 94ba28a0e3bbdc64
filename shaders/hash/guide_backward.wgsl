// Continuous guidance, backward (paper, eq. 8): the gradient of ĥ goes to z where Q = 1 and to h where Q = 0.
//
//   guided_gradient     [maxRows, width]  ∂L/∂ĥ
//   rows                [2]               rows in use, and how many of them belong to side 0
//   state               [4]               state[0] is the step
//   schedule            [steps, 4]        column 0 is p of the step
//   embedding_gradient  [maxRows, width]  Q ⊙ ∂L/∂ĥ, the part of ∂L/∂z that avoids the sign
//   code_gradient       [maxRows, width]  (1 - Q) ⊙ ∂L/∂ĥ = ∂L/∂h
//
// Q is drawn again with the same counters as in hash/guide, under the same BY_ROW.
//
// One invocation for four columns of a row; rows beyond rows[0] are left alone. Memory bound: 12 bytes an element.

#import grid
#import random
#import guidance

override WORKGROUP: u32 = 64;
override BY_ROW: u32 = 0;

struct Parameters {
  // Columns, a multiple of 4.
  width: u32,
  seed: u32,
}

@group(0) @binding(0) var<storage, read> guided_gradient: array<vec4f>;
@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read> state: array<u32>;
@group(0) @binding(3) var<storage, read> schedule: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> embedding_gradient: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> code_gradient: array<vec4f>;
@group(0) @binding(6) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_invocation(group, groups, WORKGROUP, local);
  let columns = parameters.width / 4u;
  if (index >= rows[0] * columns) {
    return;
  }
  let step = state[0];
  let keep = guidance_draws(parameters.seed, step, BY_ROW, index / columns, index) < vec4f(schedule[step].x);
  let gradient = guided_gradient[index];
  embedding_gradient[index] = select(vec4f(), gradient, keep);
  code_gradient[index] = select(gradient, vec4f(), keep);
}
