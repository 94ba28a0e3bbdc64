// How much probability each item has of all users of a part, added to that of the parts before: mass_i += Σ_u π'_ui, found
// from what refine/directions left of it: π' = (2 · scale · π - D) / sinh(2 · scale).
//
//   factors    [4]             as for refine/directions
//   teacher    [rows, stride]  π
//   direction  [rows, stride]  D
//   mass       [stride]
//
// One invocation for four items, through all rows: neighbours read neighbours.

#import grid

override WORKGROUP: u32 = 64;

struct Parameters {
  rows: u32,
  // Columns of a row, a multiple of 4.
  stride: u32,
}

@group(0) @binding(0) var<storage, read> factors: array<f32>;
@group(0) @binding(1) var<storage, read> teacher: array<vec4f>;
@group(0) @binding(2) var<storage, read> direction: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> mass: array<vec4f>;
@group(0) @binding(4) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let at = linear_invocation(group, groups, WORKGROUP, local);
  let quads = parameters.stride / 4u;
  if (at >= quads) {
    return;
  }
  let double = 2.0 * factors[0];
  var sum = vec4f();
  for (var row = 0u; row < parameters.rows; row += 1u) {
    sum += double * teacher[row * quads + at] - direction[row * quads + at];
  }
  mass[at] += sum / factors[1];
}
