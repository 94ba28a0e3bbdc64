// Mean aggregation over whole neighbourhoods, forward, for consecutive nodes of the graph, as aggregate/mean_full_half, for
// drivers that run shaders on the CPU.
//
//   source      [N, octets, 4]     features of the layer below in octets of eight columns, as aggregate/pack_half writes
//                                  them; octets = ceil(width / 8)
//   others      [*, octets, 4]     of these, the part that has the rows of all neighbours: those of the other side
//   offsets     [N + 1]            the graph by rows
//   neighbours  [2 · edges]
//   output      [nodes, width]     JOINT = 1: mean of the node and its neighbours together (the paper's text), activated:
//                                  a layer may map its features first and average then
//               [nodes, 2·width]   JOINT = 0: the node, then the mean of its neighbours (the published code)
//
// A node without neighbours is its own. A workgroup of eight lanes has 16 nodes (lib/strip_rows), of which it looks up eight
// neighbours at a time; a strip of a row is 16 octets, of which lane l has octets l and l + 8. A texel (lib/image) is an
// octet, half as many loads as of floats. Sums have the order of aggregate/mean_full_half, so the bytes are the same. Reads
// width·(2·edges + N) halves. Needs subgroups of eight lanes or more.

enable subgroups;
#import halves
#import mean
#import strip_rows

const STRIP_OCTETS = 16u;

// Octets of a row.
override OCTETS = (width + 7u) / 8u;

struct Parameters {
  // The node of the first row of `output`, the rows before those wanted, which are left as they are, and their end.
  first: u32,
  skip: u32,
  nodes: u32,
  // The octet of `source` that `others` begins with.
  others_begin: u32,
}

@group(0) @binding(0) var<storage, read> source: array<vec4u>;
@group(0) @binding(1) var others: texture_storage_2d<rgba32float, read>;
@group(0) @binding(2) var<storage, read> offsets: array<u32>;
@group(0) @binding(3) var<storage, read> neighbours: array<u32>;
@group(0) @binding(4) var<storage, read_write> output: array<vec4f>;
@group(0) @binding(5) var<uniform> parameters: Parameters;

// The sums of an octet's first and last four columns.
alias Octet = mat2x4f;

fn unpack_octet(words: vec4u) -> Octet {
  return Octet(unpack_four(words.xy), unpack_four(words.zw));
}

fn words_at(at: u32) -> vec4u {
  return bitcast<vec4u>(texel(others, at));
}

fn octet_at(at: u32) -> Octet {
  return unpack_octet(words_at(at));
}

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let begin_row = parameters.skip + strip_row(group, groups);
  let end_row = min(begin_row + STRIP_ROWS, parameters.nodes);
  for (var row = begin_row; row < end_row; row++) {
    let node = parameters.first + row;
    let begin = offsets[node];
    let end = offsets[node + 1u];
    let degree = f32(end - begin);
    for (var first = 0u; first < OCTETS; first += STRIP_OCTETS) {
      let octet = first + lane;
      let left = select(OCTETS - first, OCTETS, OCTETS <= STRIP_OCTETS);
      // A last octet that lanes would load alone, as of width 68: lane l has that of neighbour l of the eight.
      let odd = left < STRIP_OCTETS && left % LANES == 1u;
      let even = left - u32(odd);
      var sums = array<Octet, 2>();
      var odd_sum = Octet();
      for (var entry = begin; entry < end; entry += LANES) {
        let own_entry = neighbours[min(entry + lane, end - 1u)] * OCTETS - parameters.others_begin;
        let count = min(LANES, end - entry);
        if (count == LANES) {
          for (var i = 0u; i < LANES; i++) {
            let at = subgroupShuffle(own_entry, i) + octet;
            sums[0] += octet_at(at);
            if (even > LANES) {
              sums[1] += octet_at(at + LANES);
            }
          }
        } else {
          for (var i = 0u; i < count; i++) {
            let at = subgroupShuffle(own_entry, i) + octet;
            sums[0] += octet_at(at);
            if (even > LANES) {
              sums[1] += octet_at(at + LANES);
            }
          }
        }
        if (odd) {
          let words = words_at(own_entry + first + even);
          for (var i = 0u; i < count; i++) {
            odd_sum += unpack_octet(subgroupShuffle(words, i));
          }
        }
      }
      for (var i = 0u; i < 2u; i++) {
        let at = octet + i * LANES;
        if (at < OCTETS) {
          let own = unpack_octet(source[node * OCTETS + at]);
          var sum = sums[i];
          if (odd && at == first + even) {
            sum = odd_sum;
          }
          write_mean(row, 2u * at, COLUMNS, own[0], sum[0], degree);
          // Half of the last octet is padding where the width is no multiple of eight.
          if (2u * at + 1u < COLUMNS) {
            write_mean(row, 2u * at + 1u, COLUMNS, own[1], sum[1], degree);
          }
        }
      }
    }
  }
}
