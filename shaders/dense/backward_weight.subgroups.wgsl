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
// workgroup is one subgroup of eight lanes and computes 32 inputs × 32 outputs of one chunk (lib/lane_tile, whose rows are
// the inputs here, its steps the rows): lane l the inputs 4 l to 4 l + 3. The bias is the weight of one more input, which is
// always 1. Workgroups: chunks · ceil((input_width + 1) / 32) · ceil(output_width / 32), those of the same chunk in a row.
// 2 · rows · input_width · output_width operations. Needs subgroups of eight lanes or more.

enable subgroups;
#import spread
#import sides
#import lane_tile
#import image

// Of full width, and strides that the compiler does not know: with known ones the driver's code is a quarter slower.
const TILE_COLUMNS = MOST_COLUMNS;

struct Parameters {
  input_width: u32,
  output_width: u32,
  sides: u32,
  chunk_rows: u32,
}

@group(0) @binding(0) var input: texture_storage_2d<rgba32float, read>;
@group(0) @binding(1) var gradient: texture_storage_2d<rgba32float, read>;
@group(0) @binding(2) var<storage, read> rows: array<u32>;
@group(0) @binding(3) var<storage, read_write> partial: array<vec4f>;
@group(0) @binding(4) var<uniform> parameters: Parameters;

// The lane's vector of a row of the gradient; zero beyond the chunk.
fn gradient_of(row: u32, last: u32, columns: u32, column: u32) -> vec4f {
  return select(vec4f(), texel(gradient, min(row, last) * columns + column), row <= last);
}

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let depth = parameters.input_width / 4u;
  let columns = parameters.output_width / 4u;
  let column_tiles = (columns + TILE_COLUMNS - 1u) / TILE_COLUMNS;
  let input_tiles = parameters.input_width / TILE_ROWS + 1u;
  let tile = spread_group(group, groups, column_tiles * input_tiles);
  let chunk = tile / (column_tiles * input_tiles);
  let first = rows_of_first_side(rows[0], rows[1], parameters.sides);
  let span = span_of_rows(chunk, parameters.chunk_rows, rows[0], first);
  if (span.begin >= span.end) {
    return;
  }
  let column = (tile % column_tiles) * TILE_COLUMNS;
  let input_tile = (tile / column_tiles) % input_tiles;
  // Lanes beyond the last input or output load what is there and store nothing.
  let last = span.end - 1u;
  let vector = input_tile * (TILE_ROWS / 4u) + lane;
  let own_vector = min(vector, depth - 1u);
  let own_column = min(column + lane, columns - 1u);
  var sum: Tile;
  for (var row = span.begin; row < span.end; row += 4u) {
    let a = mat4x4f(
      texel(input, row * depth + own_vector),
      texel(input, min(row + 1u, last) * depth + own_vector),
      texel(input, min(row + 2u, last) * depth + own_vector),
      texel(input, min(row + 3u, last) * depth + own_vector),
    );
    let own = mat4x4f(
      gradient_of(row, last, columns, own_column),
      gradient_of(row + 1u, last, columns, own_column),
      gradient_of(row + 2u, last, columns, own_column),
      gradient_of(row + 3u, last, columns, own_column),
    );
    var inputs = transpose(a);
    // The lane after the last input has the one that is always 1.
    inputs[0] = select(inputs[0], vec4f(1.0), vector == depth);
    add_products(&sum, inputs, transpose(own));
  }
  let base = chunk * (parameters.input_width + 1u);
  for (var c = 0u; c < TILE_COLUMNS; c++) {
    if (vector <= depth && column + c < columns) {
      let by_input = transpose(sum[c]);
      let at = (base + vector * 4u) * columns + column + c;
      partial[at] = by_input[0];
      if (vector < depth) {
        partial[at + columns] = by_input[1];
        partial[at + 2u * columns] = by_input[2];
        partial[at + 3u * columns] = by_input[3];
      }
    }
  }
}
