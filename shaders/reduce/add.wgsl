// Adds one tensor to another: sum += addend.
//
//   addend  [count]
//   sum     [count]
//
// One invocation for four elements; count is a multiple of 4. Memory bound: 12 bytes an element.

#import grid

override WORKGROUP: u32 = 64;

struct Parameters {
  count: u32,
}

@group(0) @binding(0) var<storage, read> addend: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> sum: array<vec4f>;
@group(0) @binding(2) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_invocation(group, groups, WORKGROUP, local);
  if (index < parameters.count / 4u) {
    sum[index] += addend[index];
  }
}
