// Dense layer, forward.
//
//   output[r, o] = activation(Σ_i input[r, i] · weight[side(r), i, o] + bias[side(r), o])
//
//   input   [rows, input_width]
//   weight  [sides, input_width, output_width]
//   bias    [sides, output_width]
//   rows    [2] rows in use, and how many of them belong to side 0
//   output  [parts, max_rows, output_width]; rows beyond rows[0] are left as they are
//
// A workgroup computes 64 rows × 64 columns of one side from tiles in shared memory (8 KiB), an invocation 4 × 4 of
// them. Workgroups: (ceil(max_rows / 64) + sides - 1) · ceil(output_width / 64), those of the same rows in a row. 2 ·
// rows · input_width · output_width operations.
//
// Few rows and columns with a long sum would leave most of a GPU idle. Then the sum is cut into parts of part_steps
// inputs, a multiple of 16, each with as many workgroups: part p is written to output[p], the bias counted in part 0,
// without an activation, and reduce/parts adds them up. With part_steps ≥ input_width there is one part.

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
  part_steps: u32,
  max_rows: u32,
}

@group(0) @binding(0) var<storage, read> input: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read> rows: array<u32>;
@group(0) @binding(4) var<storage, read_write> output: array<vec4f>;
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
      input[min(row, last) * depth + vector],
      input[min(row + 1u, last) * depth + vector],
      input[min(row + 2u, last) * depth + vector],
      input[min(row + 3u, last) * depth + vector],
    ));
  }
  let at = local % 4u * 4u * VECTORS + four;
  left[at] = four_steps[0];
  left[at + VECTORS] = four_steps[1];
  left[at + 2u * VECTORS] = four_steps[2];
  left[at + 3u * VECTORS] = four_steps[3];
}

fn store(row: u32, end: u32, column: u32, columns: u32, sum: vec4f) {
  if (row < end && column < columns) {
    output[row * columns + column] = activate(sum);
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
  let depth = parameters.input_width / 4u;
  let columns = parameters.output_width / 4u;
  let column_tiles = (columns + VECTORS - 1u) / VECTORS;
  let tiles = ((parameters.max_rows + TILE - 1u) / TILE + parameters.sides - 1u) * column_tiles;
  let index = linear_group(group, groups);
  let part = index / tiles;
  let tile = index % tiles;
  let first = rows_of_first_side(rows[0], rows[1], parameters.sides);
  let span = span_of_rows(tile / column_tiles, TILE, rows[0], first);
  let part_begin = part * parameters.part_steps / 4u;
  let part_end = min(depth, part_begin + parameters.part_steps / 4u);
  if (span.begin >= span.end || part_begin >= depth) {
    return;
  }
  let x = local % 16u;
  let y = local / 16u;
  let column = (tile % column_tiles) * VECTORS + x;
  // Invocations beyond the last row or column load what is there and store nothing.
  let own_column = min(column, columns - 1u);
  let start = select(vec4f(), bias[span.side * columns + own_column], part == 0u);
  var sum = mat4x4f(start, start, start, start);
  for (var k = part_begin; k < part_end; k += STEPS / 4u) {
    if (local < 64u) {
      load_left(local, span.begin, span.end - 1u, k, depth);
    }
    // Steps beyond the width count nothing: the left side is zero there.
    let step = min(k * 4u + y, parameters.input_width - 1u);
    right[local] = weight[(span.side * parameters.input_width + step) * columns + own_column];
    workgroupBarrier();
    let steps = min(STEPS, parameters.input_width - k * 4u);
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
  let offset = part * parameters.max_rows;
  store(offset + row, offset + span.end, column, columns, sum[0]);
  store(offset + row + 1u, offset + span.end, column, columns, sum[1]);
  store(offset + row + 2u, offset + span.end, column, columns, sum[2]);
  store(offset + row + 3u, offset + span.end, column, columns, sum[3]);
}
