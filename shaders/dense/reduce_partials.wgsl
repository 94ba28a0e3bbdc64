// Dense layer, the sum of the partial gradients of dense/backward_weight, chunk after chunk:
//
//   weight_gradient[s, i, o] = Σ_{c of side s} partial[c, i, o]
//   bias_gradient[s, o]      = Σ_{c of side s} partial[c, input_width, o]
//
//   partial          [chunks, input_width + 1, output_width]
//   rows             [2] rows in use, and how many of them belong to side 0
//   weight_gradient  [sides, input_width, output_width]
//   bias_gradient    [sides, output_width]
//
// A side without rows gets zeros. One invocation four outputs of one input (or of the bias) of one side: sides ·
// (input_width + 1) · output_width / 4 in all. Memory bound: reads all partial sums once.

#import grid
#import sides

override WORKGROUP: u32 = 64;

struct Parameters {
  input_width: u32,
  output_width: u32,
  sides: u32,
  chunk_rows: u32,
}

@group(0) @binding(0) var<storage, read> partial: array<vec4f>;
@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read_write> weight_gradient: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> bias_gradient: array<vec4f>;
@group(0) @binding(4) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let columns = parameters.output_width / 4u;
  let chunk_vectors = (parameters.input_width + 1u) * columns;
  let index = linear_invocation(group, groups, WORKGROUP, local);
  if (index >= parameters.sides * chunk_vectors) {
    return;
  }
  let side = index / chunk_vectors;
  let within = index % chunk_vectors;
  let size = parameters.chunk_rows;
  let first = rows_of_first_side(rows[0], rows[1], parameters.sides);
  let border = (first + size - 1u) / size;
  let begin = select(0u, border, side == 1u);
  let end = select(border, border + (rows[0] - first + size - 1u) / size, side == 1u);
  var sum = vec4f();
  for (var chunk = begin; chunk < end; chunk += 1u) {
    sum += partial[chunk * chunk_vectors + within];
  }
  let weights = parameters.input_width * columns;
  if (within < weights) {
    weight_gradient[side * weights + within] = sum;
  } else {
    bias_gradient[side * columns + within - weights] = sum;
  }
}
