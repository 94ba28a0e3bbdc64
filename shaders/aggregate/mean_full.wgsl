// Mean aggregation over whole neighbourhoods, forward, for consecutive nodes of the graph (paper, eq. 1).
//
//   source      [N, width]         features of the layer below
//   offsets     [N + 1]            the graph by rows
//   neighbours  [2 · edges]
//   output      [nodes, width]     JOINT = 1: mean of the node and its neighbours together (the paper's text), activated:
//                                  a layer may map its features first and average then
//               [nodes, 2·width]   JOINT = 0: the node, then the mean of its neighbours (the published code)
//
// A node without neighbours is its own. One invocation four columns of a node, neighbouring invocations neighbouring
// columns; the sum runs in the order of the graph's row. Reads width·(2·edges + N) elements in all.

#import grid
#import mean

override WORKGROUP: u32 = 64;

struct Parameters {
  // The first node whose mean is wanted, and how many there are.
  first: u32,
  nodes: u32,
  width: u32,
}

@group(0) @binding(0) var<storage, read> source: array<vec4f>;
@group(0) @binding(1) var<storage, read> offsets: array<u32>;
@group(0) @binding(2) var<storage, read> neighbours: array<u32>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;
@group(0) @binding(4) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_invocation(group, groups, WORKGROUP, local);
  let columns = parameters.width / 4u;
  let row = index / columns;
  if (row >= parameters.nodes) {
    return;
  }
  let column = index % columns;
  let node = parameters.first + row;
  let own = source[node * columns + column];
  let begin = offsets[node];
  let end = offsets[node + 1u];
  var sum = vec4f(0.0);
  for (var entry = begin; entry < end; entry++) {
    sum += source[neighbours[entry] * columns + column];
  }
  write_mean(row, column, columns, own, sum, f32(end - begin));
}
