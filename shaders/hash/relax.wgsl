// A code relaxed to a smooth function of the embedding, forward: ĥ = tanh(β · (atanh z + g)). With z = tanh(a), a is what
// the hash layer sums up (paper, eq. 2), so that β = 1 without noise gives z itself.
//
//   NOISE 0  g = 0: continuation, as in HashNet (Cao et al., ICCV 2017), whose β grows until ĥ is all but sign(z)
//   NOISE 1  g = ½ ln(u / (1 - u)), u uniform: a bit drawn with the chance (1 + z) / 2 of being +1, relaxed at the
//            temperature 1 / β: the two-way Gumbel softmax (Jang et al.; Maddison et al., ICLR 2017)
//
//   embedding  [maxRows, width]  z
//   rows       [2]               rows in use, and how many of them belong to side 0
//   state      [4]               state[0] is the step
//   schedule   [steps, 4]        column 0 is β of the step
//   guided     [maxRows, width]  ĥ
//
// The four words of random4(seed, PURPOSE_NOISE, step, row · width/4 + column/4) serve four columns.
//
// One invocation for four columns of a row; rows beyond rows[0] are left alone. 8 bytes an element.

#import grid
#import random
#import relaxation

override WORKGROUP: u32 = 64;
override NOISE: u32 = 0;

struct Parameters {
  // Columns, a multiple of 4.
  width: u32,
  seed: u32,
}

@group(0) @binding(0) var<storage, read> embedding: array<vec4f>;
@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read> state: array<u32>;
@group(0) @binding(3) var<storage, read> schedule: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> guided: array<vec4f>;
@group(0) @binding(5) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_invocation(group, groups, WORKGROUP, local);
  if (index >= rows[0] * (parameters.width / 4u)) {
    return;
  }
  let step = state[0];
  var argument = inverse_tanh(inside(embedding[index]));
  if (NOISE == 1u) {
    argument += half_logistic(random4(parameters.seed, PURPOSE_NOISE, step, index));
  }
  // Beyond ±16 tanh is ±1 in float32, whatever a driver makes of larger arguments.
  guided[index] = tanh(clamp(schedule[step].x * argument, vec4f(-16.0), vec4f(16.0)));
}
