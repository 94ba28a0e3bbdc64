// Sums the squares of the values in use of a gradient, in parts and always in the same order: for the norm of all
// gradients of a step, whose parts lie side by side.
//
//   values   [any]   row by row, `width` values each
//   rows     [2]     rows in use, and how many of them belong to side 0
//   partial  [any]   entry first + i receives the sum of invocation i
//
// One invocation takes every `invocations`-th value, in blocks of 16 so that rounding errors stay small. Reads 4 bytes a
// value.

#import grid

override WORKGROUP: u32 = 64;

const BLOCK = 16u;

struct Parameters {
  width: u32,
  first: u32,
  invocations: u32,
}

@group(0) @binding(0) var<storage, read> values: array<f32>;
@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read_write> partial: array<f32>;
@group(0) @binding(3) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let invocation = linear_invocation(group, groups, WORKGROUP, local);
  let stride = parameters.invocations;
  if (invocation >= stride) {
    return;
  }
  let count = rows[0] * parameters.width;
  var sum = 0.0;
  for (var first = invocation; first < count; first += BLOCK * stride) {
    let end = min(count, first + BLOCK * stride);
    var part = 0.0;
    for (var index = first; index < end; index += stride) {
      part += values[index] * values[index];
    }
    sum += part;
  }
  partial[parameters.first + invocation] = sum;
}
