// Sampled neighbours: `fanout` uniform draws with replacement from each node's neighbourhood (published code: 10, then 5).
//
//   state       [4]                state[0] = step
//   nodes       [maxRows]          node numbers
//   rows        [2]                rows[0] rows are active
//   offsets     [N + 1]            the graph by rows
//   neighbours  [2 · edges]
//   sampled     [maxRows, fanout]  node numbers; a node without neighbours is its own
//
// One invocation a draw. A draw depends on the node and not on its row, so that a node has the same sample in whatever
// batch it stands in the same step.

#import grid
#import random

override WORKGROUP: u32 = 64;

struct Parameters {
  fanout: u32,
  layer: u32,
  seed: u32,
}

@group(0) @binding(0) var<storage, read> state: array<u32>;
@group(0) @binding(1) var<storage, read> nodes: array<u32>;
@group(0) @binding(2) var<storage, read> rows: array<u32>;
@group(0) @binding(3) var<storage, read> offsets: array<u32>;
@group(0) @binding(4) var<storage, read> neighbours: array<u32>;
@group(0) @binding(5) var<storage, read_write> sampled: array<u32>;
@group(0) @binding(6) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_invocation(group, groups, WORKGROUP, local);
  if (index >= rows[0] * parameters.fanout) {
    return;
  }
  let node = nodes[index / parameters.fanout];
  let begin = offsets[node];
  let degree = offsets[node + 1u] - begin;
  var drawn = node;
  if (degree > 0u) {
    // Each layer draws for a purpose of its own.
    let purpose = PURPOSE_NEIGHBOURS + parameters.layer * 256u;
    let counter = node * parameters.fanout + index % parameters.fanout;
    drawn = neighbours[begin + to_below(random4(parameters.seed, purpose, state[0], counter).x, degree)];
  }
  sampled[index] = drawn;
}
