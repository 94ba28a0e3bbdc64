// Mean aggregation over whole neighbourhoods, forward, for consecutive nodes of the graph (paper, eq. 1), as
// aggregate/mean_full, from features of 16 bits: rows of neighbours are nearly all that it reads, and here they take half
// the bytes. Sums and means are float32, and the node's own row is read from the same table.
//
//   source      [N, octets, 4]     features of the layer below in octets of eight columns, as aggregate/pack_half writes
//                                  them; octets = ceil(width / 8)
//   offsets     [N + 1]            the graph by rows
//   neighbours  [2 · edges]
//   output      [nodes, width]     JOINT = 1: mean of the node and its neighbours together (the paper's text), activated:
//                                  a layer may map its features first and average then
//               [nodes, 2·width]   JOINT = 0: the node, then the mean of its neighbours (the published code)
//
// A node without neighbours is its own. One invocation an octet of a node, neighbouring invocations neighbouring octets;
// the sum runs in the order of the graph's row. Reads width·(2·edges + N) halves in all.

#import grid
#import halves
#import mean

override WORKGROUP: u32 = 64;

struct Parameters {
  // The first node whose mean is wanted, and how many there are.
  first: u32,
  nodes: u32,
  // A multiple of 4.
  width: u32,
}

@group(0) @binding(0) var<storage, read> source: array<vec4u>;
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
  let octets = (parameters.width + 7u) / 8u;
  let row = index / octets;
  if (row >= parameters.nodes) {
    return;
  }
  let octet = index % octets;
  let node = parameters.first + row;
  let begin = offsets[node];
  let end = offsets[node + 1u];
  var low = vec4f(0.0);
  var high = vec4f(0.0);
  for (var entry = begin; entry < end; entry++) {
    let words = source[neighbours[entry] * octets + octet];
    low += unpack_four(words.xy);
    high += unpack_four(words.zw);
  }
  let own = source[node * octets + octet];
  let degree = f32(end - begin);
  let columns = parameters.width / 4u;
  write_mean(row, 2u * octet, columns, unpack_four(own.xy), low, degree);
  // Half of the last octet is padding where the width is no multiple of eight.
  if (2u * octet + 1u < columns) {
    write_mean(row, 2u * octet + 1u, columns, unpack_four(own.zw), high, degree);
  }
}
