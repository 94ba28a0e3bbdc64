// Sign of the continuous embedding, backward, straight through (paper, section 3.3): the gradient of h is copied to z,
// where it joins the gradient that reaches z without passing the sign.
//
//   direct_gradient     [maxRows, width]  ∂L/∂z by the ways that avoid the sign
//   code_gradient       [maxRows, width]  ∂L/∂h
//   rows                [2]               rows in use, and how many of them belong to side 0
//   embedding_gradient  [maxRows, width]  direct_gradient + code_gradient
//
// One invocation for four columns of a row; rows beyond rows[0] are left alone. Memory bound: 12 bytes an element.

#import grid

override WORKGROUP: u32 = 64;

struct Parameters {
  // Columns, a multiple of 4.
  width: u32,
}

@group(0) @binding(0) var<storage, read> direct_gradient: array<vec4f>;
@group(0) @binding(1) var<storage, read> code_gradient: array<vec4f>;
@group(0) @binding(2) var<storage, read> rows: array<u32>;
@group(0) @binding(3) var<storage, read_write> embedding_gradient: array<vec4f>;
@group(0) @binding(4) var<uniform> parameters: Parameters;

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
  embedding_gradient[index] = direct_gradient[index] + code_gradient[index];
}
