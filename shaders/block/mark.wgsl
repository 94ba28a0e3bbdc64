// Adds listed nodes to a set: the first step of finding the distinct nodes that a batch touches.
//
//   nodes  [maxRows, stride]  node numbers; NONE is passed over
//   rows   [2]                rows[0] rows of the list are active
//   bits   [ceil(N / 32)]     the set, bit (node mod 32) of word (node div 32)
//
// One invocation a list entry. Setting a bit commutes, so the order of the invocations leaves no trace.

#import grid
#import none

override WORKGROUP: u32 = 64;

struct Parameters {
  stride: u32,
}

@group(0) @binding(0) var<storage, read> nodes: array<u32>;
@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read_write> bits: array<atomic<u32>>;
@group(0) @binding(3) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_invocation(group, groups, WORKGROUP, local);
  if (index >= rows[0] * parameters.stride) {
    return;
  }
  let node = nodes[index];
  if (node != NONE) {
    atomicOr(&bits[node >> 5u], 1u << (node & 31u));
  }
}
