// One layer of linear propagation over the graph, as aggregate/propagate, for drivers that run shaders on the CPU.
//
//   output[n] = factor · (base[n] + norms[n] · Σ_m norms[m] · source[m]), m over the neighbours of n
//
//   base        [nodes, width]
//   source      [nodes, width]
//   norms       [nodes]          the degree to some negative power; -1/2 for LightGCN
//   offsets     [nodes + 1]      the graph by rows
//   neighbours  [2 · edges]
//   output      [nodes, width]
//
// With P = norms ⊙ adjacency ⊙ norms, L layers and their mean are (1 + P (1 + P (1 + …))) / (L + 1): one dispatch a
// layer, the last one with factor 1 / (L + 1). The graph is symmetric, so that the way back is the way here.
//
// One invocation a node, with eight of its neighbours at a time (lib/row_chunk). Sums have the order of
// aggregate/propagate, so the bytes are the same. Reads width · (2 · edges + nodes) elements, and reads and writes the
// output once more for every further chunk of neighbours.

#import grid
#import row_chunk

override WORKGROUP: u32 = 8;

struct Parameters {
  nodes: u32,
  // Columns, a multiple of 4.
  width: u32,
  factor: f32,
}

@group(0) @binding(0) var<storage, read> base: array<vec4f>;
@group(0) @binding(1) var<storage, read> source: array<vec4f>;
@group(0) @binding(2) var<storage, read> norms: array<f32>;
@group(0) @binding(3) var<storage, read> offsets: array<u32>;
@group(0) @binding(4) var<storage, read> neighbours: array<u32>;
@group(0) @binding(5) var<storage, read_write> output: array<vec4f>;
@group(0) @binding(6) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let node = linear_invocation(group, groups, WORKGROUP, local);
  if (node >= parameters.nodes) {
    return;
  }
  let columns = parameters.width / 4u;
  let first = node * columns;
  let begin = offsets[node];
  let end = offsets[node + 1u];
  let own = norms[node];
  var at: array<u32, CHUNK>;
  var norm: array<f32, CHUNK>;
  // A node without neighbours has one chunk, an empty one.
  for (var entry = begin; entry == begin || entry < end; entry += CHUNK) {
    for (var i = 0u; i < CHUNK; i++) {
      if (entry + i < end) {
        let neighbour = neighbours[entry + i];
        at[i] = neighbour * columns;
        norm[i] = norms[neighbour];
      }
    }
    for (var column = 0u; column < columns; column++) {
      var sum = vec4f();
      if (entry != begin) {
        sum = output[first + column];
      }
      for (var i = 0u; i < CHUNK; i++) {
        if (entry + i < end) {
          sum += norm[i] * source[at[i] + column];
        }
      }
      if (entry + CHUNK >= end) {
        sum = parameters.factor * (base[first + column] + own * sum);
      }
      output[first + column] = sum;
    }
  }
}
