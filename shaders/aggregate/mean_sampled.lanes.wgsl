// Mean aggregation over sampled neighbours, forward, as aggregate/mean_sampled, for drivers that run shaders on the CPU.
//
//   source      [*, width]           features of the layer below, by row
//   self_rows   [maxRows]            source row of each node itself
//   neighbours  [maxRows, fanout]    source rows of its sampled neighbours
//   rows        [2]                  rows[0] rows are active
//   output      [maxRows, width]     JOINT = 1: mean of the node and its neighbours together (the paper's text)
//               [maxRows, 2·width]   JOINT = 0: the node, then the mean of its neighbours (the published code)
//
// One invocation a row, so that many rows, which lie anywhere, are under way at once: a lane waits for memory like any
// other code. It takes its neighbours in chunks of eight, whose places stay in registers while the columns pass; the
// compiler unrolls the loops over a chunk. Sums have the order of aggregate/mean_sampled, so the bytes are the same. Each
// output element costs fanout + 1 reads, and a reading and a writing of itself for every further chunk.

#import spread

const CHUNK = 8u;
override WORKGROUP: u32 = 8;
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
  let row = spread_invocation(group, groups, WORKGROUP, local);
  if (row >= rows[0]) {
    return;
  }
  let columns = parameters.width / 4u;
  let fanout = parameters.fanout;
  let first = row * fanout;
  let own_at = self_rows[row] * columns;
  // Where the mean goes; without JOINT the node itself stands before it.
  let mean_at = select((2u * row + 1u) * columns, row * columns, JOINT == 1u);
  var at: array<u32, CHUNK>;
  for (var draw = 0u; draw < fanout; draw += CHUNK) {
    for (var i = 0u; i < CHUNK; i++) {
      if (draw + i < fanout) {
        at[i] = neighbours[first + draw + i] * columns;
      }
    }
    for (var column = 0u; column < columns; column++) {
      var sum = vec4f(0.0);
      if (draw > 0u) {
        sum = output[mean_at + column];
      }
      for (var i = 0u; i < CHUNK; i++) {
        if (draw + i < fanout) {
          sum += source[at[i] + column];
        }
      }
      if (draw + CHUNK >= fanout) {
        let own = source[own_at + column];
        if (JOINT == 1u) {
          sum += own;
        } else {
          output[2u * row * columns + column] = own;
        }
        sum /= f32(fanout + JOINT);
      }
      output[mean_at + column] = sum;
    }
  }
}
