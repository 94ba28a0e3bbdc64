// Sign of the continuous embedding, forward: the hash code h = sign(z) with sign(0) = +1 (paper, eq. 3).
//
//   embedding  [count]  z, any shape, flattened; count is a multiple of 4
//   code       [count]  h, each element -1 or +1
//
// One invocation four elements. Memory bound: 8 bytes an element. The gradient of the sign is zero almost everywhere;
// training replaces it by the straight-through copy of hash/sign_backward.

#import grid

override WORKGROUP: u32 = 64;

struct Parameters {
  count: u32,
}

@group(0) @binding(0) var<storage, read> embedding: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> code: array<vec4f>;
@group(0) @binding(2) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_invocation(group, groups, WORKGROUP, local);
  if (index >= parameters.count / 4u) {
    return;
  }
  code[index] = select(vec4f(-1.0), vec4f(1.0), embedding[index] >= vec4f());
}
