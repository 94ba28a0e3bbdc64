// Mean aggregation over whole neighbourhoods, forward, for consecutive nodes of the graph, as aggregate/mean_full, for
// drivers that run shaders on the CPU.
//
//   source      [N, width]         features of the layer below
//   offsets     [N + 1]            the graph by rows
//   neighbours  [2 · edges]
//   output      [nodes, width]     JOINT = 1: mean of the node and its neighbours together (the paper's text)
//               [nodes, 2·width]   JOINT = 0: the node, then the mean of its neighbours (the published code)
//
// A node without neighbours is its own. One invocation a node, with eight of its neighbours at a time (lib/row_chunk).
// Sums have the order of aggregate/mean_full, so the bytes are the same. Reads width·(2·edges + N) elements, and reads
// and writes each of the output once more for every further chunk of neighbours.

#import grid
#import row_chunk

override WORKGROUP: u32 = 8;
override JOINT: u32 = 0;

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
  let row = linear_invocation(group, groups, WORKGROUP, local);
  if (row >= parameters.nodes) {
    return;
  }
  let node = parameters.first + row;
  let columns = parameters.width / 4u;
  // Where the mean goes; without JOINT the node itself stands before it.
  let mean_at = select((2u * row + 1u) * columns, row * columns, JOINT == 1u);
  let begin = offsets[node];
  let end = offsets[node + 1u];
  let degree = f32(end - begin);
  var at: array<u32, CHUNK>;
  // A node without neighbours has one chunk, an empty one.
  for (var entry = begin; entry == begin || entry < end; entry += CHUNK) {
    for (var i = 0u; i < CHUNK; i++) {
      if (entry + i < end) {
        at[i] = neighbours[entry + i] * columns;
      }
    }
    for (var column = 0u; column < columns; column++) {
      var sum = vec4f(0.0);
      if (entry != begin) {
        sum = output[mean_at + column];
      }
      for (var i = 0u; i < CHUNK; i++) {
        if (entry + i < end) {
          sum += source[at[i] + column];
        }
      }
      if (entry + CHUNK >= end) {
        let own = source[node * columns + column];
        if (JOINT == 1u) {
          sum = (own + sum) / (degree + 1.0);
        } else {
          output[2u * row * columns + column] = own;
          sum = select(sum / max(degree, 1.0), own, end == begin);
        }
      }
      output[mean_at + column] = sum;
    }
  }
}
