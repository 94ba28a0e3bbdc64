// Dense layer, gradient towards weight and bias, as dense/backward_weight, for drivers that run shaders on the CPU, eight
// lanes at a time (see dense/forward.subgroups).
//
//   partial[c, i, o]            = Σ_{r in chunk c} input[r, i] · gradient[r, o]
//   partial[c, input_width, o]  = Σ_{r in chunk c} gradient[r, o]
//
//   input     [rows, input_width]
//   gradient  [rows, output_width] towards the sum before the activation
//   rows      [2] rows in use, and how many of them belong to side 0
//   partial   [chunks, input_width + 1, output_width]; chunks without rows are left as they are
//
// A chunk is `chunk_rows` rows of one side: those of side 0 come first (dense/reduce_partials adds them up). One
// workgroup is one subgroup of eight lanes and computes 32 inputs × 16 outputs of one chunk: lane l the inputs 4 l to
// 4 l + 3. The lanes load four rows of the gradient together, two vectors each, and broadcast them. Workgroups: chunks ·
// ceil(input_width / 32) · ceil(output_width / 16), those of the same chunk in a row. 2 · rows · input_width ·
// output_width operations. Needs subgroups of eight lanes or more.

enable subgroups;
#import grid
#import sides

const INPUTS = 8u;
const COLUMNS = 4u;

struct Parameters {
  input_width: u32,
  output_width: u32,
  sides: u32,
  chunk_rows: u32,
}

@group(0) @binding(0) var<storage, read> input: array<vec4f>;
@group(0) @binding(1) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(2) var<storage, read> rows: array<u32>;
@group(0) @binding(3) var<storage, read_write> partial: array<vec4f>;
@group(0) @binding(4) var<uniform> parameters: Parameters;

// Four vectors of outputs of one input.
fn store(at: u32, column: u32, columns: u32, sum: mat4x4f) {
  partial[at] = sum[0];
  if (column + 1u < columns) {
    partial[at + 1u] = sum[1];
  }
  if (column + 2u < columns) {
    partial[at + 2u] = sum[2];
  }
  if (column + 3u < columns) {
    partial[at + 3u] = sum[3];
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
  let input_tiles = (depth + INPUTS - 1u) / INPUTS;
  let tile = linear_group(group, groups);
  let chunk = tile / (column_tiles * input_tiles);
  let first = rows_of_first_side(rows[0], rows[1], parameters.sides);
  let span = span_of_rows(chunk, parameters.chunk_rows, rows[0], first);
  if (span.begin >= span.end) {
    return;
  }
  let column = (tile % column_tiles) * COLUMNS;
  let input_tile = (tile / column_tiles) % input_tiles;
  // Lanes beyond the last input or output load what is there and store nothing.
  let last = span.end - 1u;
  let vector = input_tile * INPUTS + lane;
  let own_vector = min(vector, depth - 1u);
  let own_column = min(column + lane % 4u, columns - 1u);
  var sum0 = mat4x4f();
  var sum1 = mat4x4f();
  var sum2 = mat4x4f();
  var sum3 = mat4x4f();
  var own_bias = vec4f();
  for (var row = span.begin; row < span.end; row += 4u) {
    let a0 = input[row * depth + own_vector];
    let a1 = input[min(row + 1u, last) * depth + own_vector];
    let a2 = input[min(row + 2u, last) * depth + own_vector];
    let a3 = input[min(row + 3u, last) * depth + own_vector];
    // Lanes 0 to 3 hold the vectors of one row of the gradient, lanes 4 to 7 those of the next; zero beyond the chunk.
    let near_row = row + lane / 4u;
    let far_row = near_row + 2u;
    let near = select(vec4f(), gradient[min(near_row, last) * columns + own_column], near_row <= last);
    let far = select(vec4f(), gradient[min(far_row, last) * columns + own_column], far_row <= last);
    own_bias += near + far;
    var b = mat4x4f(
      subgroupBroadcast(near, 0u),
      subgroupBroadcast(near, 1u),
      subgroupBroadcast(near, 2u),
      subgroupBroadcast(near, 3u),
    );
    sum0 += a0.x * b;
    sum1 += a0.y * b;
    sum2 += a0.z * b;
    sum3 += a0.w * b;
    b = mat4x4f(
      subgroupBroadcast(near, 4u),
      subgroupBroadcast(near, 5u),
      subgroupBroadcast(near, 6u),
      subgroupBroadcast(near, 7u),
    );
    sum0 += a1.x * b;
    sum1 += a1.y * b;
    sum2 += a1.z * b;
    sum3 += a1.w * b;
    b = mat4x4f(
      subgroupBroadcast(far, 0u),
      subgroupBroadcast(far, 1u),
      subgroupBroadcast(far, 2u),
      subgroupBroadcast(far, 3u),
    );
    sum0 += a2.x * b;
    sum1 += a2.y * b;
    sum2 += a2.z * b;
    sum3 += a2.w * b;
    b = mat4x4f(
      subgroupBroadcast(far, 4u),
      subgroupBroadcast(far, 5u),
      subgroupBroadcast(far, 6u),
      subgroupBroadcast(far, 7u),
    );
    sum0 += a3.x * b;
    sum1 += a3.y * b;
    sum2 += a3.z * b;
    sum3 += a3.w * b;
  }
  let base = chunk * (parameters.input_width + 1u);
  if (vector < depth) {
    let at = (base + vector * 4u) * columns + column;
    store(at, column, columns, sum0);
    store(at + columns, column, columns, sum1);
    store(at + 2u * columns, column, columns, sum2);
    store(at + 3u * columns, column, columns, sum3);
  }
  // Lanes l and l + 4 hold the two halves of the same four sums.
  let total = mat4x4f(
    subgroupBroadcast(own_bias, 0u) + subgroupBroadcast(own_bias, 4u),
    subgroupBroadcast(own_bias, 1u) + subgroupBroadcast(own_bias, 5u),
    subgroupBroadcast(own_bias, 2u) + subgroupBroadcast(own_bias, 6u),
    subgroupBroadcast(own_bias, 3u) + subgroupBroadcast(own_bias, 7u),
  );
  if (input_tile == 0u && lane == 0u) {
    store((base + parameters.input_width) * columns + column, column, columns, total);
  }
}
