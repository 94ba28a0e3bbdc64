// One layer of linear propagation over the graph, as in LightGCN (He et al., SIGIR 2020, eq. 3 and 4).
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
// One invocation four columns of a node, neighbouring invocations neighbouring columns; the sum runs in the order of the
// graph's row. Reads width · (2 · edges + nodes) elements.

#import grid

override WORKGROUP: u32 = 64;

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
  let index = linear_invocation(group, groups, WORKGROUP, local);
  let columns = parameters.width / 4u;
  let node = index / columns;
  if (node >= parameters.nodes) {
    return;
  }
  let column = index % columns;
  let end = offsets[node + 1u];
  var sum = vec4f();
  for (var entry = offsets[node]; entry < end; entry++) {
    let neighbour = neighbours[entry];
    sum += norms[neighbour] * source[neighbour * columns + column];
  }
  output[index] = parameters.factor * (base[index] + norms[node] * sum);
}
