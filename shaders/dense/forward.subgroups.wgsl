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
// One workgroup is one subgroup of eight lanes and computes 32 rows × up to 32 columns of one side (lib/lane_tile): lane l
// the rows l, l + 8, l + 16 and l + 24. Workgroups: (ceil(rows / 32) + 1) · ceil(output_width / 32), those of the same rows
// in a row. 2 · rows · input_width · output_width operations. Needs subgroups of eight lanes or more.

enable subgroups;
#import spread
#import sides
#import activation
#import even_tiles
#import image

override output_width: u32;
override COLUMNS = output_width / 4u;

struct Parameters {
  input_width: u32,
  sides: u32,
}

@group(0) @binding(0) var input: texture_storage_2d<rgba32float, read>;
@group(0) @binding(1) var weight: texture_storage_2d<rgba32float, read>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read> rows: array<u32>;
@group(0) @binding(4) var<storage, read_write> output: array<vec4f>;
@group(0) @binding(5) var<uniform> parameters: Parameters;

fn store(row: u32, end: u32, column: u32, sum: vec4f) {
  if (row < end && column < COLUMNS) {
    output[row * COLUMNS + column] = activate(sum);
  }
}

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let depth = parameters.input_width / 4u;
  let tile = spread_group(group, groups, COLUMN_TILES);
  let first = rows_of_first_side(rows[0], rows[1], parameters.sides);
  let span = span_of_rows(tile / COLUMN_TILES, TILE_ROWS, rows[0], first);
  if (span.begin >= span.end) {
    return;
  }
  let column = (tile % COLUMN_TILES) * TILE_COLUMNS;
  let row = span.begin + lane;
  // Lanes beyond the last row or column load what is there and store nothing.
  let last = span.end - 1u;
  let at0 = min(row, last) * depth;
  let at1 = min(row + 8u, last) * depth;
  let at2 = min(row + 16u, last) * depth;
  let at3 = min(row + 24u, last) * depth;
  let own_column = min(column + lane, COLUMNS - 1u);
  var weights = span.side * parameters.input_width * COLUMNS + own_column;

  let own_bias = bias[span.side * COLUMNS + own_column];
  var sum: Tile;
  for (var c = 0u; c < TILE_COLUMNS; c++) {
    let start = subgroupShuffle(own_bias, c);
    sum[c] = mat4x4f(vec4f(start.x), vec4f(start.y), vec4f(start.z), vec4f(start.w));
  }
  for (var k = 0u; k < depth; k += 1u) {
    let a = mat4x4f(texel(input, at0 + k), texel(input, at1 + k), texel(input, at2 + k), texel(input, at3 + k));
    let own = mat4x4f(
      texel(weight, weights),
      texel(weight, weights + COLUMNS),
      texel(weight, weights + 2u * COLUMNS),
      texel(weight, weights + 3u * COLUMNS),
    );
    weights += 4u * COLUMNS;
    add_products(&sum, a, transpose(own));
  }
  for (var c = 0u; c < TILE_COLUMNS; c++) {
    let by_row = transpose(sum[c]);
    store(row, span.end, column + c, by_row[0]);
    store(row + 8u, span.end, column + c, by_row[1]);
    store(row + 16u, span.end, column + c, by_row[2]);
    store(row + 24u, span.end, column + c, by_row[3]);
  }
}
