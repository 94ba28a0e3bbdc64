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
// One workgroup is one subgroup of eight lanes and computes 32 rows × up to 32 inputs of one side (lib/lane_tile): lane l
// the rows l, l + 8, l + 16 and l + 24. Workgroups: (ceil(rows / 32) + 1) · ceil(input_width / 32), those of the same rows
// in a row. 2 · rows · input_width · output_width operations. Needs subgroups of eight lanes or more.

enable subgroups;
#import spread
#import sides
#import activation
#import even_tiles
#import image

override input_width: u32;
override COLUMNS = input_width / 4u;

struct Parameters {
  output_width: u32,
  sides: u32,
}

@group(0) @binding(0) var gradient: texture_storage_2d<rgba32float, read>;
@group(0) @binding(1) var weight: texture_storage_2d<rgba32float, read>;
@group(0) @binding(2) var<storage, read> rows: array<u32>;
@group(0) @binding(3) var<storage, read> input: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> input_gradient: array<vec4f>;
@group(0) @binding(5) var<uniform> parameters: Parameters;

fn store(row: u32, end: u32, column: u32, sum: vec4f) {
  if (row < end && column < COLUMNS) {
    let at = row * COLUMNS + column;
    if (ACTIVATION != 0u) {
      input_gradient[at] = sum * activation_derivative(input[at]);
    } else {
      input_gradient[at] = sum;
    }
  }
}

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let depth = parameters.output_width / 4u;
  let tile = spread_group(group, groups, COLUMN_TILES);
  let first = rows_of_first_side(rows[0], rows[1], parameters.sides);
  let span = span_of_rows(tile / COLUMN_TILES, TILE_ROWS, rows[0], first);
  if (span.begin >= span.end) {
    return;
  }
  let column = (tile % COLUMN_TILES) * TILE_COLUMNS;
  let row = span.begin + lane;
  // Lanes beyond the last row or input load what is there and store nothing.
  let last = span.end - 1u;
  let at0 = min(row, last) * depth;
  let at1 = min(row + 8u, last) * depth;
  let at2 = min(row + 16u, last) * depth;
  let at3 = min(row + 24u, last) * depth;
  // Lane l holds the weights of inputs 4 l to 4 l + 3 of the tile.
  let weights = (span.side * COLUMNS + min(column + lane, COLUMNS - 1u)) * 4u * depth;
  var sum: Tile;
  for (var k = 0u; k < depth; k += 1u) {
    let a = mat4x4f(texel(gradient, at0 + k), texel(gradient, at1 + k), texel(gradient, at2 + k), texel(gradient, at3 + k));
    let own = mat4x4f(
      texel(weight, weights + k),
      texel(weight, weights + depth + k),
      texel(weight, weights + 2u * depth + k),
      texel(weight, weights + 3u * depth + k),
    );
    add_products(&sum, a, own);
  }
  for (var c = 0u; c < TILE_COLUMNS; c++) {
    let by_row = transpose(sum[c]);
    store(row, span.end, column + c, by_row[0]);
    store(row + 8u, span.end, column + c, by_row[1]);
    store(row + 16u, span.end, column + c, by_row[2]);
    store(row + 24u, span.end, column + c, by_row[3]);
  }
}
