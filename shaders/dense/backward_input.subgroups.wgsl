// Dense layer, gradient towards the input, as dense/backward_input, for drivers that run shaders on the CPU, eight lanes
// at a time (see dense/forward.subgroups).
//
//   input_gradient[r, i] = activation′(input[r, i]) · Σ_o gradient[r, o] · weight[side(r), i, o]
//
//   gradient        [rows, output_width] towards the sum before the activation
//   weight          [sides, input_width, output_width]
//   rows            [2] rows in use, and how many of them belong to side 0
//   input           [rows, input_width] values of ACTIVATION, that of the layer below; unread where it is 0
//   input_gradient  [rows, input_width] towards the sums before ACTIVATION; rows beyond rows[0] are left as they are
//
// One workgroup is one subgroup of eight lanes and computes 32 rows × 16 inputs of one side: lane l the rows l, l + 8,
// l + 16 and l + 24. For four outputs at a time the lanes load the weights of two inputs each and broadcast them.
// Workgroups: (ceil(rows / 32) + 1) · ceil(input_width / 16), those of the same rows in a row. 2 · rows · input_width ·
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

@group(0) @binding(0) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read> rows: array<u32>;
@group(0) @binding(3) var<storage, read> input: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> input_gradient: array<vec4f>;
@group(0) @binding(5) var<uniform> parameters: Parameters;

// One vector of inputs of one row.
fn put(at: u32, sum: vec4f) {
  if (ACTIVATION != 0u) {
    input_gradient[at] = sum * activation_derivative(input[at]);
  } else {
    input_gradient[at] = sum;
  }
}

// Four vectors of inputs of one row.
fn store(row: u32, end: u32, column: u32, columns: u32, sum: mat4x4f) {
  if (row >= end) {
    return;
  }
  let at = row * columns + column;
  put(at, sum[0]);
  if (column + 1u < columns) {
    put(at + 1u, sum[1]);
  }
  if (column + 2u < columns) {
    put(at + 2u, sum[2]);
  }
  if (column + 3u < columns) {
    put(at + 3u, sum[3]);
  }
}

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let depth = parameters.output_width / 4u;
  let columns = parameters.input_width / 4u;
  let column_tiles = (columns + COLUMNS - 1u) / COLUMNS;
  let tile = linear_group(group, groups);
  let first = rows_of_first_side(rows[0], rows[1], parameters.sides);
  let span = span_of_rows(tile / column_tiles, ROWS, rows[0], first);
  if (span.begin >= span.end) {
    return;
  }
  let column = (tile % column_tiles) * COLUMNS;
  let row = span.begin + lane;
  // Lanes beyond the last row or input load what is there and store nothing.
  let last = span.end - 1u;
  let at0 = min(row, last) * depth;
  let at1 = min(row + 8u, last) * depth;
  let at2 = min(row + 16u, last) * depth;
  let at3 = min(row + 24u, last) * depth;
  let near_at = (span.side * parameters.input_width + column * 4u + lane) * depth;
  let far_at = (span.side * parameters.input_width + min(column * 4u + 8u + lane, parameters.input_width - 1u)) * depth;
  var sum0 = mat4x4f();
  var sum1 = mat4x4f();
  var sum2 = mat4x4f();
  var sum3 = mat4x4f();
  for (var k = 0u; k < depth; k += 1u) {
    let g0 = gradient[at0 + k];
    let g1 = gradient[at1 + k];
    let g2 = gradient[at2 + k];
    let g3 = gradient[at3 + k];
    // Lane l holds the weights of input l of the first eight, and of the other eight, for four outputs.
    let near = weight[near_at + k];
    let far = weight[far_at + k];
    var b = mat4x4f(
      subgroupBroadcast(near, 0u),
      subgroupBroadcast(near, 1u),
      subgroupBroadcast(near, 2u),
      subgroupBroadcast(near, 3u),
    );
    sum0[0] += g0 * b;
    sum1[0] += g1 * b;
    sum2[0] += g2 * b;
    sum3[0] += g3 * b;
    b = mat4x4f(
      subgroupBroadcast(near, 4u),
      subgroupBroadcast(near, 5u),
      subgroupBroadcast(near, 6u),
      subgroupBroadcast(near, 7u),
    );
    sum0[1] += g0 * b;
    sum1[1] += g1 * b;
    sum2[1] += g2 * b;
    sum3[1] += g3 * b;
    b = mat4x4f(
      subgroupBroadcast(far, 0u),
      subgroupBroadcast(far, 1u),
      subgroupBroadcast(far, 2u),
      subgroupBroadcast(far, 3u),
    );
    sum0[2] += g0 * b;
    sum1[2] += g1 * b;
    sum2[2] += g2 * b;
    sum3[2] += g3 * b;
    b = mat4x4f(
      subgroupBroadcast(far, 4u),
      subgroupBroadcast(far, 5u),
      subgroupBroadcast(far, 6u),
      subgroupBroadcast(far, 7u),
    );
    sum0[3] += g0 * b;
    sum1[3] += g1 * b;
    sum2[3] += g2 * b;
    sum3[3] += g3 * b;
  }
  store(row, span.end, column, columns, sum0);
  store(row + 8u, span.end, column, columns, sum1);
  store(row + 16u, span.end, column, columns, sum2);
  store(row + 24u, span.end, column, columns, sum3);
}
