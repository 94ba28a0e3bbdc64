// Dense layer, gradient towards weight and bias, as partial sums over chunks of rows.
//
//   partial[c, i, o]            = Σ_{r in chunk c} input[r, i] · gradient[r, o]
//   partial[c, input_width, o]  = Σ_{r in chunk c} gradient[r, o]
//
//   input     [rows, input_width]
//   gradient  [rows, output_width] towards the sum before the activation
//   rows      [2] rows in use, and how many of them belong to side 0
//   partial   [chunks, input_width + 1, output_width]; chunks without rows are left as they are
//
// A chunk is `chunk_rows` rows of one side: those of side 0 come first (dense/reduce_partials adds them up). A workgroup
// computes 64 inputs × 64 outputs of one chunk from tiles in shared memory (8 KiB), an invocation 4 × 4 of them.
// Workgroups: chunks · ceil(input_width / 64) · ceil(output_width / 64), those of the same chunk in a row. 2 · rows ·
// input_width · output_width operations.

#import grid
#import sides

// Rows (or inputs) and columns of a workgroup's block, vectors of columns, and steps of the sum held in shared memory.
const TILE = 64u;
const VECTORS = 16u;
const STEPS = 16u;

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

// The steps of the sum by four rows, and by four columns.
var<workgroup> left: array<vec4f, 256>;
var<workgroup> right: array<vec4f, 256>;

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
  let depth = parameters.input_width / 4u;
  let columns = parameters.output_width / 4u;
  let column_tiles = (columns + VECTORS - 1u) / VECTORS;
  let input_tiles = (depth + VECTORS - 1u) / VECTORS;
  let tile = linear_group(group, groups);
  let chunk = tile / (column_tiles * input_tiles);
  let first = rows_of_first_side(rows[0], rows[1], parameters.sides);
  let span = span_of_rows(chunk, parameters.chunk_rows, rows[0], first);
  if (span.begin >= span.end) {
    return;
  }
  let x = local % 16u;
  let y = local / 16u;
  let column = (tile % column_tiles) * VECTORS + x;
  let input_tile = (tile / column_tiles) % input_tiles;
  let last = span.end - 1u;
  // Invocations beyond the last input or output load what is there and store nothing.
  let own_column = min(column, columns - 1u);
  let own_vector = min(input_tile * VECTORS + x, depth - 1u);
  var sum = mat4x4f();
  var bias = vec4f();
  for (var begin = span.begin; begin < span.end; begin += STEPS) {
    // Rows beyond the chunk count nothing: the right side is zero there.
    let row = begin + y;
    let own_row = min(row, last);
    left[local] = input[own_row * depth + own_vector];
    right[local] = select(vec4f(), gradient[own_row * columns + own_column], row <= last);
    workgroupBarrier();
    let steps = min(STEPS, (span.end - begin + 3u) / 4u * 4u);
    // The bound is unknown to the compiler, which would otherwise unroll all steps: software drivers take long for it.
    for (var step = 0u; step < steps; step += 4u) {
      bias += right[step * VECTORS + x] + right[(step + 1u) * VECTORS + x];
      bias += right[(step + 2u) * VECTORS + x] + right[(step + 3u) * VECTORS + x];
      sum += product(step, x, y);
      sum += product(step + 1u, x, y);
      sum += product(step + 2u, x, y);
      sum += product(step + 3u, x, y);
    }
    workgroupBarrier();
  }
  if (column >= columns) {
    return;
  }
  let base = chunk * (parameters.input_width + 1u);
  let vector = input_tile * VECTORS + y;
  if (vector < depth) {
    let at = (base + vector * 4u) * columns + column;
    partial[at] = sum[0];
    partial[at + columns] = sum[1];
    partial[at + 2u * columns] = sum[2];
    partial[at + 3u * columns] = sum[3];
  }
  if (input_tile == 0u && y == 0u) {
    partial[(base + parameters.input_width) * columns + column] = bias;
  }
}
