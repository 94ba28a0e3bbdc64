// Continuous guidance, forward (paper, eq. 8): ĥ = Q ⊙ z + (1 - Q) ⊙ h, Q ~ Bernoulli(p).
//
//   embedding  [maxRows, width]  z
//   code       [maxRows, width]  h
//   rows       [2]               rows in use, and how many of them belong to side 0
//   state      [4]               state[0] is the step
//   schedule   [steps, 4]        column 0 is p of the step
//   guided     [maxRows, width]  ĥ
//
// BY_ROW 0 draws Q for every element (the paper's text): the four words of random4(seed, PURPOSE_GUIDANCE, step, c) with
// c = row · width/4 + column/4 serve columns 4c' to 4c'+3. BY_ROW 1 draws it once a row (the published code): the first
// word of random4(…, row). The continuous value is kept where the word, as a float in [0, 1), is below p: p = 1 gives z
// and p = 0 gives h, exactly.
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

@group(0) @binding(0) var<storage, read> embedding: array<vec4f>;
@group(0) @binding(1) var<storage, read> code: array<vec4f>;
@group(0) @binding(2) var<storage, read> rows: array<u32>;
@group(0) @binding(3) var<storage, read> state: array<u32>;
@group(0) @binding(4) var<storage, read> schedule: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> guided: array<vec4f>;
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
  guided[index] = select(code[index], embedding[index], keep);
}
