// Mean aggregation over whole neighbourhoods, backward, as aggregate/mean_full_backward, for drivers that run shaders on
// the CPU. The graph is symmetric, so the nodes that a node's features went to are its own neighbours.
//
//   output_gradient  [N, width or 2·width]  gradient of aggregate/mean_full's output
//   offsets          [N + 1]                the graph by rows
//   neighbours       [2 · edges]
//   source           [N, width]             what the rows hold: values of ACTIVATION; unread where that is 0
//   source_gradient  [N, width]             towards the sums before ACTIVATION
//
// A workgroup of eight lanes has 16 nodes (lib/strip_rows), of which it looks up eight neighbours at a time. Sums have the
// order of aggregate/mean_full_backward, so the bytes are the same. Needs subgroups of eight lanes or more.

enable subgroups;
#import activation
#import strip_rows

override JOINT: u32 = 0;

struct Parameters {
  nodes: u32,
}

@group(0) @binding(0) var output_gradient: texture_storage_2d<rgba32float, read>;
@group(0) @binding(1) var<storage, read> offsets: array<u32>;
@group(0) @binding(2) var<storage, read> neighbours: array<u32>;
@group(0) @binding(3) var<storage, read> source: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> source_gradient: array<vec4f>;
@group(0) @binding(5) var<uniform> parameters: Parameters;

// What a strip of a gradient, as strip_at reads it, is for one of the rows that were averaged.
fn share_at(at: u32, left: u32, averaged: f32) -> Strip {
  return divided(strip_at(output_gradient, at, left), averaged);
}

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let joint = JOINT == 1u;
  let row_columns = select(2u * COLUMNS, COLUMNS, joint);
  let mean_column = select(COLUMNS, 0u, joint);
  let begin_node = strip_row(group, groups);
  let end_node = min(begin_node + STRIP_ROWS, parameters.nodes);
  for (var node = begin_node; node < end_node; node++) {
    let begin = offsets[node];
    let end = offsets[node + 1u];
    for (var first = 0u; first < COLUMNS; first += STRIP_VECTORS) {
      let column = first + lane;
      let left = strip_left(first);
      var sum = Strip();
      for (var entry = begin; entry < end; entry += LANES) {
        let other = neighbours[min(entry + lane, end - 1u)];
        let own_entry = other * row_columns + mean_column;
        let own_degree = f32(offsets[other + 1u] - offsets[other] + JOINT);
        let count = min(LANES, end - entry);
        if (count == LANES) {
          for (var i = 0u; i < LANES; i++) {
            sum += share_at(subgroupShuffle(own_entry, i) + column, left, subgroupShuffle(own_degree, i));
          }
        } else {
          for (var i = 0u; i < count; i++) {
            sum += share_at(subgroupShuffle(own_entry, i) + column, left, subgroupShuffle(own_degree, i));
          }
        }
      }
      var own = strip_at(output_gradient, node * row_columns + column, left);
      if (joint) {
        own = divided(own, f32(end - begin + 1u));
      } else if (end == begin) {
        own += strip_at(output_gradient, node * row_columns + mean_column + column, left);
      }
      sum += own;
      for (var i = 0u; i < 4u; i++) {
        if (column + i * LANES < COLUMNS) {
          let at = node * COLUMNS + column + i * LANES;
          if (ACTIVATION != 0u) {
            source_gradient[at] = sum[i] * activation_derivative(source[at]);
          } else {
            source_gradient[at] = sum[i];
          }
        }
      }
    }
  }
}
