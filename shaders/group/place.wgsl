// Places every list position in its key's group, in whatever order the invocations come; group/sort mends the order.
//
//   keys     [maxRows, stride]  u32; NONE is passed over
//   rows     [2]                rows[0] rows of the list are active
//   cursors  [keyCount + 1]     where each group begins (a copy of the offsets); used up
//   order    [entries]          positions, group by group
//
// One invocation a list entry.

#import grid
#import none

override WORKGROUP: u32 = 64;

struct Parameters {
  stride: u32,
}

@group(0) @binding(0) var<storage, read> keys: array<u32>;
@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read_write> cursors: array<atomic<u32>>;
@group(0) @binding(3) var<storage, read_write> order: array<u32>;
@group(0) @binding(4) var<uniform> parameters: Parameters;

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
  let key = keys[index];
  if (key != NONE) {
    order[atomicAdd(&cursors[key], 1u)] = index;
  }
}
