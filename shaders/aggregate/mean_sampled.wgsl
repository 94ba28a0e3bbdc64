// Mean aggregation over sampled neighbours, forward (paper, eq. 1, and its published code).
//
//   source      [*, width]           features of the layer below, by row
//   self_rows   [maxRows]            source row of each node itself
//   neighbours  [maxRows, fanout]    source rows of its sampled neighbours
//   rows        [2]                  rows[0] rows are active
//   output      [maxRows, width]     JOINT = 1: mean of the node and its neighbours together (the paper's text)
//               [maxRows, 2·width]   JOINT = 0: the node, then the mean of its neighbours (the published code)
//
// One invocation four columns of a row, neighbouring invocations neighbouring columns. Each output element costs
// fanout + 1 reads.

#import grid

override WORKGROUP: u32 = 64;
override JOINT: u32 = 0;

struct Parameters {
  width: u32,
  fanout: u32,
}

@group(0) @binding(0) var<storage, read> source: array<vec4f>;
@group(0) @binding(1) var<storage, read> self_rows: array<u32>;
@group(0) @binding(2) var<storage, read> neighbours: array<u32>;
@group(0) @binding(3) var<storage, read> rows: array<u32>;
@group(0) @binding(4) var<storage, read_write> output: array<vec4f>;
@group(0) @binding(5) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_invocation(group, groups, WORKGROUP, local);
  let columns = parameters.width / 4u;
  let row = index / columns;
  if (row >= rows[0]) {
    return;
  }
  let column = index % columns;
  let own = source[self_rows[row] * columns + column];
  var sum = vec4f(0.0);
  for (var draw = 0u; draw < parameters.fanout; draw++) {
    sum += source[neighbours[row * parameters.fanout + draw] * columns + column];
  }
  if (JOINT == 1u) {
    output[index] = (own + sum) / f32(parameters.fanout + 1u);
  } else {
    output[row * 2u * columns + column] = own;
    output[(row * 2u + 1u) * columns + column] = sum / f32(parameters.fanout);
  }
}
