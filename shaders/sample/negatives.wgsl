// Negative items: uniform over the items that the user has no training edge to, never one of those (paper, section 4.3).
//
//   state       [4]              state[0] = step
//   offsets     [N + 1]          the graph by rows, neighbours ascending
//   neighbours  [2 · edges]
//   pairs       [batch, 2 + S]   column 0 holds the user; columns 2 .. 2 + S are written with item nodes, or NONE for a
//                                user who has an edge to every item
//
// One invocation a negative. Drawing the r-th of the missing items needs no second try: below the row's k-th neighbour
// lie neighbour[k] - users - k missing ones, which grows with k, so a binary search finds how many to step over.

#import grid
#import none
#import random

override WORKGROUP: u32 = 64;

struct Parameters {
  batch: u32,
  stride: u32,
  users: u32,
  items: u32,
  seed: u32,
}

@group(0) @binding(0) var<storage, read> state: array<u32>;
@group(0) @binding(1) var<storage, read> offsets: array<u32>;
@group(0) @binding(2) var<storage, read> neighbours: array<u32>;
@group(0) @binding(3) var<storage, read_write> pairs: array<u32>;
@group(0) @binding(4) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_invocation(group, groups, WORKGROUP, local);
  let slots = parameters.stride - 2u;
  if (index >= parameters.batch * slots) {
    return;
  }
  let edge = index / slots;
  let user = pairs[edge * parameters.stride];
  let begin = offsets[user];
  let degree = offsets[user + 1u] - begin;
  var node = NONE;
  if (degree < parameters.items) {
    let word = random4(parameters.seed, PURPOSE_NEGATIVES, state[0], index).x;
    let missing = to_below(word, parameters.items - degree);
    // The first neighbour with more than `missing` missing items below it.
    var low = 0u;
    var high = degree;
    while (low < high) {
      let middle = (low + high) / 2u;
      if (neighbours[begin + middle] - parameters.users - middle > missing) {
        high = middle;
      } else {
        low = middle + 1u;
      }
    }
    node = parameters.users + missing + low;
  }
  pairs[edge * parameters.stride + 2u + index % slots] = node;
}
