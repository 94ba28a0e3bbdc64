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
// Workgroups of eight lanes (lib/strip), which look up eight of a row's uses at a time and take rows in turns (lib/turns).
// Sums have the order of aggregate/mean_sampled_backward, so the bytes are the same. Needs subgroups of eight lanes or more.

enable subgroups;
#import none
#import activation
#import strip
#import turns

override JOINT: u32 = 0;

struct Parameters {
  fanout: u32,
}

@group(0) @binding(0) var output_gradient: texture_storage_2d<rgba32float, read>;
@group(0) @binding(1) var<storage, read> uses_of_self: array<u32>;
@group(0) @binding(2) var<storage, read> offsets: array<u32>;
@group(0) @binding(3) var<storage, read> order: array<u32>;
@group(0) @binding(4) var<storage, read> rows: array<u32>;
@group(0) @binding(5) var<storage, read> source: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> source_gradient: array<vec4f>;
@group(0) @binding(7) var<uniform> parameters: Parameters;

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  // Where a row of the output keeps the part that the neighbours' mean went to.
  let row_columns = select(2u * COLUMNS, COLUMNS, JOINT == 1u);
  let mean_column = select(COLUMNS, 0u, JOINT == 1u);
  let fanout = parameters.fanout;
  let averaged = f32(fanout + JOINT);
  for (var row = first_turn(group, groups); row < rows[0]; row += turn_step(groups)) {
    let own = uses_of_self[row];
    let begin = offsets[row];
    let end = offsets[row + 1u];
    for (var first = 0u; first < COLUMNS; first += STRIP_VECTORS) {
      let column = first + lane;
      let left = strip_left(first);
      var sum = Strip();
      for (var entry = begin; entry < end; entry += LANES) {
        let own_entry = (order[min(entry + lane, end - 1u)] / fanout) * row_columns + mean_column;
        let count = min(LANES, end - entry);
        if (count == LANES) {
          for (var i = 0u; i < LANES; i++) {
            sum += strip_at(output_gradient, subgroupShuffle(own_entry, i) + column, left);
          }
        } else {
          for (var i = 0u; i < count; i++) {
            sum += strip_at(output_gradient, subgroupShuffle(own_entry, i) + column, left);
          }
        }
      }
      if (JOINT == 0u) {
        sum = divided(sum, averaged);
      }
      if (own != NONE) {
        sum += strip_at(output_gradient, own * row_columns + column, left);
      }
      if (JOINT == 1u) {
        sum = divided(sum, averaged);
      }
      for (var i = 0u; i < 4u; i++) {
        if (column + i * LANES < COLUMNS) {
          let at = row * COLUMNS + column + i * LANES;
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
