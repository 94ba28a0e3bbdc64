// Dense layer, forward, as dense/forward, for drivers that run shaders on the CPU, eight lanes at a time: there
// barriers and shared memory cost more than they save, and handing a value round in a subgroup is cheap.
//
//   output[r, o] = activation(Σ_i input[r, i] · weight[side(r), i, o] + bias[side(r), o])
//
//   input   [rows, input_width]
//   weight  [sides, input_width, output_width]
//   bias    [sides, output_width]
//   rows    [2] rows in use, and how many of them belong to side 0
//   output  [rows, output_width]; rows beyond rows[0] are left as they are
//
// One workgroup is one subgroup of eight lanes and computes 32 rows × 16 columns of one side: lane l the rows l, l + 8,
// l + 16 and l + 24. The lanes load 4 rows of weights together, two vectors each, and broadcast them. Workgroups:
// (ceil(rows / 32) + 1) · ceil(output_width / 16), those of the same rows in a row. 2 · rows · input_width ·
// output_width operations. Needs subgroups of eight lanes or more.

enable subgroups;
#import grid
#import sides
#import activation

const ROWS = 32u;
const COLUMNS = 4u;

struct Parameters {
  input_width: u32,
  output_width: u32,
  sides: u32,
}

@group(0) @binding(0) var<storage, read> input: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read> rows: array<u32>;
@group(0) @binding(4) var<storage, read_write> output: array<vec4f>;
@group(0) @binding(5) var<uniform> parameters: Parameters;

// Four vectors of columns of one row.
fn store(row: u32, end: u32, column: u32, columns: u32, sum: mat4x4f) {
  if (row >= end) {
    return;
  }
  let at = row * columns + column;
  output[at] = activate(sum[0]);
  if (column + 1u < columns) {
    output[at + 1u] = activate(sum[1]);
  }
  if (column + 2u < columns) {
    output[at + 2u] = activate(sum[2]);
  }
  if (column + 3u < columns) {
    output[at + 3u] = activate(sum[3]);
  }
}

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let depth = parameters.input_width / 4u;
  let columns = parameters.output_width / 4u;
  let column_tiles = (columns + COLUMNS - 1u) / COLUMNS;
  let tile = linear_group(group, groups);
  let first = rows_of_first_side(rows[0], rows[1], parameters.sides);
  let span = span_of_rows(tile / column_tiles, ROWS, rows[0], first);
  if (span.begin >= span.end) {
    return;
  }
  let column = (tile % column_tiles) * COLUMNS;
  let row = span.begin + lane;
  // Lanes beyond the last row or column load what is there and store nothing.
  let last = span.end - 1u;
  var at0 = min(row, last) * depth;
  var at1 = min(row + 8u, last) * depth;
  var at2 = min(row + 16u, last) * depth;
  var at3 = min(row + 24u, last) * depth;
  let own_column = min(column + lane % 4u, columns - 1u);
  var weights_at = (span.side * parameters.input_width + lane / 4u) * columns + own_column;

  let own_bias = bias[span.side * columns + own_column];
  let start = mat4x4f(
    subgroupBroadcast(own_bias, 0u),
    subgroupBroadcast(own_bias, 1u),
    subgroupBroadcast(own_bias, 2u),
    subgroupBroadcast(own_bias, 3u),
  );
  var sum0 = start;
  var sum1 = start;
  var sum2 = start;
  var sum3 = start;
  for (var k = 0u; k < depth; k += 1u) {
    let a0 = input[at0 + k];
    let a1 = input[at1 + k];
    let a2 = input[at2 + k];
    let a3 = input[at3 + k];
    // Lanes 0 to 3 hold the vectors of one row of weights, lanes 4 to 7 those of the next.
    let near = weight[weights_at];
    let far = weight[weights_at + 2u * columns];
    weights_at += 4u * columns;
    var b = mat4x4f(
      subgroupBroadcast(near, 0u),
      subgroupBroadcast(near, 1u),
      subgroupBroadcast(near, 2u),
      subgroupBroadcast(near, 3u),
    );
    sum0 += a0.x * b;
    sum1 += a1.x * b;
    sum2 += a2.x * b;
    sum3 += a3.x * b;
    b = mat4x4f(
      subgroupBroadcast(near, 4u),
      subgroupBroadcast(near, 5u),
      subgroupBroadcast(near, 6u),
      subgroupBroadcast(near, 7u),
    );
    sum0 += a0.y * b;
    sum1 += a1.y * b;
    sum2 += a2.y * b;
    sum3 += a3.y * b;
    b = mat4x4f(
      subgroupBroadcast(far, 0u),
      subgroupBroadcast(far, 1u),
      subgroupBroadcast(far, 2u),
      subgroupBroadcast(far, 3u),
    );
    sum0 += a0.z * b;
    sum1 += a1.z * b;
    sum2 += a2.z * b;
    sum3 += a3.z * b;
    b = mat4x4f(
      subgroupBroadcast(far, 4u),
      subgroupBroadcast(far, 5u),
      subgroupBroadcast(far, 6u),
      subgroupBroadcast(far, 7u),
    );
    sum0 += a0.w * b;
    sum1 += a1.w * b;
    sum2 += a2.w * b;
    sum3 += a3.w * b;
  }
  store(row, span.end, column, columns, sum0);
  store(row + 8u, span.end, column, columns, sum1);
  store(row + 16u, span.end, column, columns, sum2);
  store(row + 24u, span.end, column, columns, sum3);
}
