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
// A workgroup of eight lanes has 16 nodes (lib/strip_rows), of which it looks up eight neighbours at a time. Sums have the
// order of aggregate/propagate, so the bytes are the same. Reads width · (2 · edges + nodes) elements. Needs subgroups of
// eight lanes or more.

enable subgroups;
#import strip_rows

struct Parameters {
  nodes: u32,
  factor: f32,
}

@group(0) @binding(0) var<storage, read> base: array<vec4f>;
@group(0) @binding(1) var source: texture_storage_2d<rgba32float, read>;
@group(0) @binding(2) var<storage, read> norms: array<f32>;
@group(0) @binding(3) var<storage, read> offsets: array<u32>;
@group(0) @binding(4) var<storage, read> neighbours: array<u32>;
@group(0) @binding(5) var<storage, read_write> output: array<vec4f>;
@group(0) @binding(6) var<uniform> parameters: Parameters;

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let begin_node = strip_row(group, groups);
  let end_node = min(begin_node + STRIP_ROWS, parameters.nodes);
  for (var node = begin_node; node < end_node; node++) {
    let begin = offsets[node];
    let end = offsets[node + 1u];
    let own = norms[node];
    for (var first = 0u; first < COLUMNS; first += STRIP_VECTORS) {
      let column = first + lane;
      let left = strip_left(first);
      var sum = Strip();
      for (var entry = begin; entry < end; entry += LANES) {
        let neighbour = neighbours[min(entry + lane, end - 1u)];
        let norm = norms[neighbour];
        let count = min(LANES, end - entry);
        if (count == LANES) {
          for (var i = 0u; i < LANES; i++) {
            let row = strip_at(source, subgroupShuffle(neighbour, i) * COLUMNS + column, left);
            sum += subgroupShuffle(norm, i) * row;
          }
        } else {
          for (var i = 0u; i < count; i++) {
            let row = strip_at(source, subgroupShuffle(neighbour, i) * COLUMNS + column, left);
            sum += subgroupShuffle(norm, i) * row;
          }
        }
      }
      for (var i = 0u; i < 4u; i++) {
        if (column + i * LANES < COLUMNS) {
          let at = node * COLUMNS + column + i * LANES;
          output[at] = parameters.factor * (base[at] + own * sum[i]);
        }
      }
    }
  }
}
