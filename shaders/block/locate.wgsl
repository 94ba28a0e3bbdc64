// Finds the rows of listed nodes in a node set's ascending order.
//
//   nodes   [maxRows, stride]  node numbers, or NONE
//   rows    [2]                rows[0] rows of the list are active
//   bits    [words]            the set
//   ranks   [words + 1]        exclusive prefix sums of the words' bit counts
//   places  [maxRows, stride]  row of each node, NONE for NONE and for nodes that are not in the set
//
// One invocation a list entry.

#import grid
#import none
#import bitmap

override WORKGROUP: u32 = 64;

struct Parameters {
  stride: u32,
}

@group(0) @binding(0) var<storage, read> nodes: array<u32>;
@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read> bits: array<u32>;
@group(0) @binding(3) var<storage, read> ranks: array<u32>;
@group(0) @binding(4) var<storage, read_write> places: array<u32>;
@group(0) @binding(5) var<uniform> parameters: Parameters;

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
  var place = NONE;
  if (node != NONE) {
    let word = bits[node >> 5u];
    if (has_node(word, node)) {
      place = ranks[node >> 5u] + members_below(word, node);
    }
  }
  places[index] = place;
}
