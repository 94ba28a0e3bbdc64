// Scales a gradient so that the norm of all gradients of a step is at most `limit` (Pascanu et al., ICML 2013):
//   g = g · limit / norm  where norm > limit
//
//   gradient  [any]   row by row, `width` values each; rows in use are updated
//   rows      [2]     rows in use, and how many of them belong to side 0
//   squares   [1]     norm², of all gradients together
//
// One invocation a value. Reads and writes 4 bytes a value where it scales, and nothing where it does not. A norm that is
// NaN scales nothing.

#import grid

override WORKGROUP: u32 = 64;

struct Parameters {
  width: u32,
  limit: f32,
}

@group(0) @binding(0) var<storage, read_write> gradient: array<f32>;
@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read> squares: array<f32>;
@group(0) @binding(3) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_invocation(group, groups, WORKGROUP, local);
  let norm = sqrt(squares[0]);
  if (norm > parameters.limit && index < rows[0] * parameters.width) {
    gradient[index] *= parameters.limit / norm;
  }
}
