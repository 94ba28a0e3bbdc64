// Dense layer, gradient through the activation, in place:
//
//   gradient[r, o] ← gradient[r, o] · activation′, the derivative taken from the activation's value output[r, o]
//
//   output    [rows, width] the layer's output
//   rows      [2] rows in use, and how many of them belong to side 0 (not needed here)
//   gradient  [rows, width] towards the output, afterwards towards the sum before the activation; rows beyond rows[0]
//             are left as they are
//
// One invocation four columns of a row. Memory bound: 12 bytes an element.

#import grid
#import activation

override WORKGROUP: u32 = 64;

struct Parameters {
  width: u32,
}

@group(0) @binding(0) var<storage, read> output: array<vec4f>;
@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read_write> gradient: array<vec4f>;
@group(0) @binding(3) var<uniform> parameters: Parameters;

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
  gradient[index] *= activation_derivative(output[index]);
}
