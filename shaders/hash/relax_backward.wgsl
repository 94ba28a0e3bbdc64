// A relaxed code, backward: with ĥ = tanh(β · (atanh z + g)) of hash/relax, ∂ĥ/∂z = β (1 - ĥ²) / (1 - z²).
//
//   embedding           [maxRows, width]  z
//   guided              [maxRows, width]  ĥ
//   guided_gradient     [maxRows, width]  ∂L/∂ĥ
//   rows                [2]               rows in use, and how many of them belong to side 0
//   state               [4]               state[0] is the step
//   schedule            [steps, 4]        column 0 is β of the step
//   embedding_gradient  [maxRows, width]  ∂L/∂z
//
// 1 / (1 - z²) is large where z is near ±1; the derivative of the hash layer's tanh takes it back.
//
// One invocation for four columns of a row; rows beyond rows[0] are left alone. 16 bytes an element.

#import grid
#import relaxation

override WORKGROUP: u32 = 64;

struct Parameters {
  // Columns, a multiple of 4.
  width: u32,
}

@group(0) @binding(0) var<storage, read> embedding: array<vec4f>;
@group(0) @binding(1) var<storage, read> guided: array<vec4f>;
@group(0) @binding(2) var<storage, read> guided_gradient: array<vec4f>;
@group(0) @binding(3) var<storage, read> rows: array<u32>;
@group(0) @binding(4) var<storage, read> state: array<u32>;
@group(0) @binding(5) var<storage, read> schedule: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> embedding_gradient: array<vec4f>;
@group(0) @binding(7) var<uniform> parameters: Parameters;

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
  let z = inside(embedding[index]);
  let relaxed = guided[index];
  let slope = schedule[state[0]].x * (1.0 - relaxed * relaxed) / (1.0 - z * z);
  embedding_gradient[index] = slope * guided_gradient[index];
}
