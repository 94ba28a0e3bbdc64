// Mean aggregation over whole neighbourhoods, backward. The graph is symmetric, so the nodes that a node's features went
// to are its own neighbours.
//
//   output_gradient  [N, width or 2·width]  gradient of aggregate/mean_full's output
//   offsets          [N + 1]                the graph by rows
//   neighbours       [2 · edges]
//   source           [N, width]             what the rows hold: values of ACTIVATION; unread where that is 0
//   source_gradient  [N, width]             towards the sums before ACTIVATION
//
// One invocation four columns of a node; the sum runs in the order of the graph's row.

#import grid
#import activation

override WORKGROUP: u32 = 64;
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
  let index = linear_invocation(group, groups, WORKGROUP, local);
  let columns = parameters.width / 4u;
  let node = index / columns;
  if (node >= parameters.nodes) {
    return;
  }
  let column = index % columns;
  let joint = JOINT == 1u;
  let row_columns = select(2u * columns, columns, joint);
  let mean_column = select(columns, 0u, joint) + column;
  let own_share = select(0u, 1u, joint);
  let begin = offsets[node];
  let end = offsets[node + 1u];
  var sum = vec4f(0.0);
  for (var entry = begin; entry < end; entry++) {
    let other = neighbours[entry];
    let degree = offsets[other + 1u] - offsets[other];
    sum += output_gradient[other * row_columns + mean_column] / f32(degree + own_share);
  }
  var own = output_gradient[node * row_columns + column];
  if (joint) {
    own /= f32(end - begin + 1u);
  } else if (end == begin) {
    own += output_gradient[node * row_columns + mean_column];
  }
  sum += own;
  if (ACTIVATION != 0u) {
    sum *= activation_derivative(source[index]);
  }
  source_gradient[index] = sum;
}
