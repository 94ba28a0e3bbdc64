// The training edges of a batch, without replacement within an epoch.
//
//   state       [4]              state[0] = step
//   offsets     [N + 1]          the graph by rows; users' rows come first, so that entry e < edges is training edge e
//   neighbours  [2 · edges]      node numbers
//   pairs       [batch, 2 + S]   columns 0 and 1 are written: the user and the positive item, as node numbers
//
// One invocation an edge of the batch: position step·batch + b of an endless sequence of random permutations of all
// edges, one an epoch. The user of an edge is found by binary search. The sequence is as long as 2^32 positions.

#import grid
#import permutation

override WORKGROUP: u32 = 64;

struct Parameters {
  batch: u32,
  stride: u32,
  edges: u32,
  users: u32,
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
  if (index >= parameters.batch) {
    return;
  }
  let position = state[0] * parameters.batch + index;
  let epoch = position / parameters.edges;
  let edge = permuted(position % parameters.edges, parameters.edges, parameters.seed, epoch);
  // The user whose row holds the edge: the last one whose row begins at or before it.
  var low = 0u;
  var high = parameters.users;
  while (high - low > 1u) {
    let middle = (low + high) / 2u;
    if (offsets[middle] <= edge) {
      low = middle;
    } else {
      high = middle;
    }
  }
  pairs[index * parameters.stride] = low;
  pairs[index * parameters.stride + 1u] = neighbours[edge];
}
