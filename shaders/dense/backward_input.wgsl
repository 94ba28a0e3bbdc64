// Dense layer, gradient towards the input.
//
//   input_gradient[r, i] = activation′(input[r, i]) · Σ_o gradient[r, o] · weight[side(r), i, o]
//
//   gradient        [rows, output_width] towards the sum before the activation
//   weight          [sides, input_width, output_width]
//   rows            [2] rows in use, and how many of them belong to side 0
//   input           [rows, input_width] values of ACTIVATION, that of the layer below; unread where it is 0
//   input_gradient  [rows, input_width] towards the sums before ACTIVATION; rows beyond rows[0] are left as they are
//
// A workgroup computes 64 rows × 64 inputs of one side from tiles in shared memory (8 KiB), an invocation 4 × 4 of
// them. Workgroups: (ceil(rows / 64) + 1) · ceil(input_width / 64), those of the same rows in a row. 2 · rows ·
// input_width · output_width operations.

#import grid
#import sides
#import activation

// Rows (or inputs) and columns of a workgroup's block, vectors of columns, and steps of the sum held in shared memory.
const TILE = 64u;
const VECTORS = 16u;
const STEPS = 16u;

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

// The steps of the sum by four rows, and by four columns.
var<workgroup> left: array<vec4f, 256>;
var<workgroup> right: array<vec4f, 256>;

// Sixteen steps of four rows, loaded along the steps and kept across them.
fn load_left(local: u32, begin: u32, last: u32, step: u32, depth: u32) {
  let four = local / 4u;
  let vector = step + local % 4u;
  var four_steps = mat4x4f();
  if (vector < depth) {
    let row = begin + four * 4u;
    four_steps = transpose(mat4x4f(
      gradient[min(row, last) * depth + vector],
      gradient[min(row + 1u, last) * depth + vector],
      gradient[min(row + 2u, last) * depth + vector],
      gradient[min(row + 3u, last) * depth + vector],
    ));
  }
  let at = local % 4u * 4u * VECTORS + four;
  left[at] = four_steps[0];
  left[at + VECTORS] = four_steps[1];
  left[at + 2u * VECTORS] = four_steps[2];
  left[at + 3u * VECTORS] = four_steps[3];
}

// Sixteen steps of four inputs, likewise; `begin` and `last` count rows of all sides' weights.
fn load_right(local: u32, begin: u32, last: u32, step: u32, depth: u32) {
  let four = local / 4u;
  let vector = step + local % 4u;
  var four_steps = mat4x4f();
  if (vector < depth) {
    let row = begin + four * 4u;
    four_steps = transpose(mat4x4f(
      weight[min(row, last) * depth + vector],
      weight[min(row + 1u, last) * depth + vector],
      weight[min(row + 2u, last) * depth + vector],
      weight[min(row + 3u, last) * depth + vector],
    ));
  }
  let at = local % 4u * 4u * VECTORS + four;
  right[at] = four_steps[0];
  right[at + VECTORS] = four_steps[1];
  right[at + 2u * VECTORS] = four_steps[2];
  right[at + 3u * VECTORS] = four_steps[3];
}

// One vector of inputs of one row.
fn put(at: u32, sum: vec4f) {
  if (ACTIVATION != 0u) {
    input_gradient[at] = sum * activation_derivative(input[at]);
  } else {
    input_gradient[at] = sum;
  }
}

fn store(row: u32, end: u32, column: u32, columns: u32, sum: vec4f) {
  if (row < end && column < columns) {
    put(row * columns + column, sum);
  }
}

// Four rows times four columns of one step; column r of the result belongs to row r.
fn product(step: u32, x: u32, y: u32) -> mat4x4f {
  let a = left[step * VECTORS + y];
  let b = right[step * VECTORS + x];
  return mat4x4f(a.x * b, a.y * b, a.z * b, a.w * b);
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let depth = parameters.output_width / 4u;
  let columns = parameters.input_width / 4u;
  let column_tiles = (columns + VECTORS - 1u) / VECTORS;
  let tile = linear_group(group, groups);
  let first = rows_of_first_side(rows[0], rows[1], parameters.sides);
  let span = span_of_rows(tile / column_tiles, TILE, rows[0], first);
  if (span.begin >= span.end) {
    return;
  }
  let x = local % 16u;
  let y = local / 16u;
  let column_tile = tile % column_tiles;
  let column = column_tile * VECTORS + x;
  let weights = span.side * parameters.input_width;
  var sum = mat4x4f();
  for (var k = 0u; k < depth; k += STEPS / 4u) {
    // Rows and inputs beyond the last one load what is there and are not stored.
    if (local < 64u) {
      load_left(local, span.begin, span.end - 1u, k, depth);
    } else if (local < 128u) {
      load_right(local - 64u, weights + column_tile * TILE, weights + parameters.input_width - 1u, k, depth);
    }
    workgroupBarrier();
    let steps = min(STEPS, parameters.output_width - k * 4u);
    // The bound is unknown to the compiler, which would otherwise unroll all steps: software drivers take long for it.
    for (var step = 0u; step < steps; step += 4u) {
      sum += product(step, x, y);
      sum += product(step + 1u, x, y);
      sum += product(step + 2u, x, y);
      sum += product(step + 3u, x, y);
    }
    workgroupBarrier();
  }
  let row = span.begin + y * 4u;
  store(row, span.end, column, columns, sum[0]);
  store(row + 1u, span.end, column, columns, sum[1]);
  store(row + 2u, span.end, column, columns, sum[2]);
  store(row + 3u, span.end, column, columns, sum[3]);
}
