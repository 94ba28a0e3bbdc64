// Mean aggregation over whole neighbourhoods, forward, for every node of the graph, as aggregate/mean_full, for drivers
// that run shaders on the CPU.
//
//   source      [N, width]     features of the layer below
//   offsets     [N + 1]        the graph by rows
//   neighbours  [2 · edges]
//   output      [N, width]     JOINT = 1: mean of the node and its neighbours together (the paper's text)
//               [N, 2·width]   JOINT = 0: the node, then the mean of its neighbours (the published code)
//
// A node without neighbours is its own. One invocation a node (lib/mean_row); the bytes are those of aggregate/mean_full.
// Reads width·(2·edges + N) elements, and reads and writes each of the output once more for every further chunk of
// neighbours.

#import grid
#import mean_row

override WORKGROUP: u32 = 8;
override JOINT: u32 = 0;

struct Parameters {
  nodes: u32,
  width: u32,
}

@group(0) @binding(0) var<storage, read> source: array<vec4f>;
@group(0) @binding(1) var<storage, read> offsets: array<u32>;
@group(0) @binding(2) var<storage, read> neighbours: array<u32>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;
@group(0) @binding(4) var<uniform> parameters: Parameters;

fn features(at: u32) -> vec4f {
  return source[at];
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  mean_row(linear_invocation(group, groups, WORKGROUP, local));
}
