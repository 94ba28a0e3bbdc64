// Mean aggregation over whole neighbourhoods, backward, as aggregate/mean_full_backward, for drivers that run shaders on
// the CPU. The graph is symmetric, so the nodes that a node's features went to are its own neighbours.
//
//   output_gradient  [N, width or 2·width]  gradient of aggregate/mean_full's output
//   offsets          [N + 1]                the graph by rows
//   neighbours       [2 · edges]
//   source           [N, width]             what the rows hold: values of ACTIVATION; unread where that is 0
//   source_gradient  [N, width]             towards the sums before ACTIVATION
//
// One invocation a node, with eight of its neighbours at a time (lib/row_chunk). Sums have the order of
// aggregate/mean_full_backward, so the bytes are the same.

#import grid
#import activation
#import row_chunk

override WORKGROUP: u32 = 8;
override JOINT: u32 = 0;

struct Parameters {
  nodes: u32,
  width: u32,
}

@group(0) @binding(0) var<storage, read> output_gradient: array<vec4f>;
@group(0) @binding(1) var<storage, read> offsets: array<u32>;
@group(0) @binding(2) var<storage, read> neighbours: array<u32>;
@group(0) @binding(3) var<storage, read> source: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> source_gradient: array<vec4f>;
@group(0) @binding(5) var<uniform> parameters: Parameters;

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
  let joint = JOINT == 1u;
  let row_columns = select(2u * columns, columns, joint);
  let mean_column = select(columns, 0u, joint);
  let begin = offsets[node];
  let end = offsets[node + 1u];
  let own_at = node * row_columns;
  var at: array<u32, CHUNK>;
  var degree: array<f32, CHUNK>;
  // A node without neighbours has one chunk, an empty one.
  for (var entry = begin; entry == begin || entry < end; entry += CHUNK) {
    for (var i = 0u; i < CHUNK; i++) {
      if (entry + i < end) {
        let other = neighbours[entry + i];
        at[i] = other * row_columns + mean_column;
        degree[i] = f32(offsets[other + 1u] - offsets[other] + JOINT);
      }
    }
    for (var column = 0u; column < columns; column++) {
      let index = node * columns + column;
      var sum = vec4f(0.0);
      if (entry != begin) {
        sum = source_gradient[index];
      }
      for (var i = 0u; i < CHUNK; i++) {
        if (entry + i < end) {
          sum += output_gradient[at[i] + column] / degree[i];
        }
      }
      if (entry + CHUNK >= end) {
        var own = output_gradient[own_at + column];
        if (joint) {
          own /= f32(end - begin + 1u);
        } else if (end == begin) {
          own += output_gradient[own_at + mean_column + column];
        }
        sum += own;
        if (ACTIVATION != 0u) {
          sum *= activation_derivative(source[index]);
        }
      }
      source_gradient[index] = sum;
    }
  }
}
