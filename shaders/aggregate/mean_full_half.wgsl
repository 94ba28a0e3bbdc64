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
//
// unpack2x16float is core WGSL: the optional feature shader-f16 would not read a byte less. Drivers may take halves below
// 2^-14, which are subnormal, for 0.

#import grid
#import activation

override WORKGROUP: u32 = 64;
override JOINT: u32 = 0;

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

fn unpack_four(words: vec2u) -> vec4f {
  return vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
}

// Four columns of a row of the output, of the node `own` and the sum of its neighbours.
fn write_mean(row: u32, column: u32, own: vec4f, sum: vec4f, degree: f32) {
  let columns = parameters.width / 4u;
  if (column >= columns) {
    return;
  }
  if (JOINT == 1u) {
    output[row * columns + column] = activate((own + sum) / (degree + 1.0));
  } else {
    output[row * 2u * columns + column] = own;
    output[(row * 2u + 1u) * columns + column] = select(sum / max(degree, 1.0), own, degree == 0.0);
  }
}

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
  write_mean(row, 2u * octet, unpack_four(own.xy), low, degree);
  // Half of the last octet is padding where the width is no multiple of eight.
  write_mean(row, 2u * octet + 1u, unpack_four(own.zw), high, degree);
}
