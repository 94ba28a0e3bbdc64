// Lists the members of a node set in ascending order, so that users come before items.
//
//   bits   [words]      the set
//   ranks  [words + 1]  exclusive prefix sums of the words' bit counts (scan/exclusive)
//   nodes  [maxRows]    the members; room for all of them
//   rows   [2]          number of members; number of members below `users` (the users)
//
// One invocation a word. Each member has its own place, so nothing depends on order.

#import grid
#import bitmap

override WORKGROUP: u32 = 64;

struct Parameters {
  words: u32,
  users: u32,
}

@group(0) @binding(0) var<storage, read> bits: array<u32>;
@group(0) @binding(1) var<storage, read> ranks: array<u32>;
@group(0) @binding(2) var<storage, read_write> nodes: array<u32>;
@group(0) @binding(3) var<storage, read_write> rows: array<u32>;
@group(0) @binding(4) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let word = linear_invocation(group, groups, WORKGROUP, local);
  if (word >= parameters.words) {
    return;
  }
  if (word == 0u) {
    let boundary = parameters.users;
    rows[0] = ranks[parameters.words];
    // The boundary's word may lie one past the bitmap, where all users and no items are.
    var below = 0u;
    if ((boundary >> 5u) < parameters.words) {
      below = members_below(bits[boundary >> 5u], boundary);
    }
    rows[1] = ranks[min(boundary >> 5u, parameters.words)] + below;
  }
  var rest = bits[word];
  for (var place = ranks[word]; rest != 0u; place++) {
    nodes[place] = word * 32u + firstTrailingBit(rest);
    rest &= rest - 1u;
  }
}
