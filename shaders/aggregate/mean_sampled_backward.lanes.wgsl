// Mean aggregation over sampled neighbours, backward, as aggregate/mean_sampled_backward, for drivers that run shaders on
// the CPU.
//
//   output_gradient  [*, width or 2·width]  gradient of aggregate/mean_sampled's output
//   uses_of_self     [maxRows]              row of the source node itself in the output, or NONE
//   offsets          [maxRows + 1]          groups of `order`, one a source row
//   order            [entries]              positions row·fanout + draw of its uses as a neighbour, ascending
//   rows             [2]                    rows[0] source rows are active
//   source           [*, width]             what the rows hold: values of ACTIVATION; unread where that is 0
//   source_gradient  [maxRows, width]       towards the sums before ACTIVATION
//
// One invocation a source row, with eight of its uses at a time (lib/row_chunk). Sums have the order of
// aggregate/mean_sampled_backward, so the bytes are the same.

#import spread
#import none
#import activation
#import row_chunk

override WORKGROUP: u32 = 8;
override JOINT: u32 = 0;

struct Parameters {
  width: u32,
  fanout: u32,
}

@group(0) @binding(0) var<storage, read> output_gradient: array<vec4f>;
@group(0) @binding(1) var<storage, read> uses_of_self: array<u32>;
@group(0) @binding(2) var<storage, read> offsets: array<u32>;
@group(0) @binding(3) var<storage, read> order: array<u32>;
@group(0) @binding(4) var<storage, read> rows: array<u32>;
@group(0) @binding(5) var<storage, read> source: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> source_gradient: array<vec4f>;
@group(0) @binding(7) var<uniform> parameters: Parameters;

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
  // Where a row of the output keeps the part that the neighbours' mean went to.
  let row_columns = select(2u * columns, columns, JOINT == 1u);
  let mean_column = select(columns, 0u, JOINT == 1u);
  let own = uses_of_self[row];
  let end = offsets[row + 1u];
  let begin = offsets[row];
  var at: array<u32, CHUNK>;
  // A row without uses has one chunk, an empty one.
  for (var entry = begin; entry == begin || entry < end; entry += CHUNK) {
    for (var i = 0u; i < CHUNK; i++) {
      if (entry + i < end) {
        at[i] = (order[entry + i] / parameters.fanout) * row_columns + mean_column;
      }
    }
    for (var column = 0u; column < columns; column++) {
      let index = row * columns + column;
      var sum = vec4f(0.0);
      if (entry != begin) {
        sum = source_gradient[index];
      }
      for (var i = 0u; i < CHUNK; i++) {
        if (entry + i < end) {
          sum += output_gradient[at[i] + column];
        }
      }
      if (entry + CHUNK >= end) {
        if (JOINT == 0u) {
          sum /= f32(parameters.fanout);
        }
        if (own != NONE) {
          sum += output_gradient[own * row_columns + column];
        }
        if (JOINT == 1u) {
          sum /= f32(parameters.fanout + 1u);
        }
        if (ACTIVATION != 0u) {
          sum *= activation_derivative(source[index]);
        }
      }
      source_gradient[index] = sum;
    }
  }
}
