// Mean aggregation over whole neighbourhoods, forward, for consecutive nodes of the graph, as aggregate/mean_full, for
// drivers that run shaders on the CPU.
//
//   source      [N, width]         features of the layer below
//   others      [*, width]         of these, the part that has the rows of all neighbours: those of the other side
//   offsets     [N + 1]            the graph by rows
//   neighbours  [2 · edges]
//   output      [nodes, width]     JOINT = 1: mean of the node and its neighbours together (the paper's text), activated:
//                                  a layer may map its features first and average then
//               [nodes, 2·width]   JOINT = 0: the node, then the mean of its neighbours (the published code)
//
// A node without neighbours is its own. A workgroup of eight lanes has 16 nodes (lib/strip_rows), of which it looks up eight
// neighbours at a time. Sums have the order of aggregate/mean_full, so the bytes are the same. Reads width·(2·edges + N)
// elements. Needs subgroups of eight lanes or more.

enable subgroups;
#import mean
#import strip_rows

struct Parameters {
  // The node of the first row of `output`, the rows before those wanted, which are left as they are, and their end.
  first: u32,
  skip: u32,
  nodes: u32,
  // The vector of four columns of `source` that `others` begins with.
  others_begin: u32,
}

@group(0) @binding(0) var<storage, read> source: array<vec4f>;
@group(0) @binding(1) var others: texture_storage_2d<rgba32float, read>;
@group(0) @binding(2) var<storage, read> offsets: array<u32>;
@group(0) @binding(3) var<storage, read> neighbours: array<u32>;
@group(0) @binding(4) var<storage, read_write> output: array<vec4f>;
@group(0) @binding(5) var<uniform> parameters: Parameters;

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
    for (var first = 0u; first < COLUMNS; first += STRIP_VECTORS) {
      let column = first + lane;
      let left = strip_left(first);
      // A last vector that lanes would load alone, as of width 68: lane l has that of neighbour l of the eight.
      let odd = left < STRIP_VECTORS && left % LANES == 1u;
      let even = left - u32(odd);
      var sum = Strip();
      var odd_sum = vec4f();
      for (var entry = begin; entry < end; entry += LANES) {
        let own_entry = neighbours[min(entry + lane, end - 1u)] * COLUMNS - parameters.others_begin;
        let count = min(LANES, end - entry);
        if (count == LANES) {
          for (var i = 0u; i < LANES; i++) {
            sum += strip_at(others, subgroupShuffle(own_entry, i) + column, even);
          }
        } else {
          for (var i = 0u; i < count; i++) {
            sum += strip_at(others, subgroupShuffle(own_entry, i) + column, even);
          }
        }
        if (odd) {
          let vector = texel(others, own_entry + first + even);
          for (var i = 0u; i < count; i++) {
            odd_sum += subgroupShuffle(vector, i);
          }
        }
      }
      for (var i = 0u; i < 4u; i++) {
        let at = column + i * LANES;
        if (at < COLUMNS) {
          let total = select(sum[i], odd_sum, odd && at == first + even);
          write_mean(row, at, COLUMNS, source[node * COLUMNS + at], total, degree);
        }
      }
    }
  }
}
