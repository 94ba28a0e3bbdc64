// Flips of each node the bit that improves its code most, if one does. Flipping bit k of code h changes the cross-entropy of
// refine/directions by no more than
//
//   h_k · direction_k + (cosh(2 · scale) - 1) · mass
//
// because ln(1 + x) ≤ x; direction is Σ_i D_ui b_i for the code of a user u, whose mass is 1, and Σ_u D_ui h_u for that of an
// item. These bounds add up over users and over items: all users may flip at once, or all items, and the cross-entropy falls
// by what the bounds promise, or more.
//
//   factors    [4]            as for refine/directions
//   direction  [nodes, bits]
//   mass       [nodes]        Σ of the probabilities that the node's code has a part in
//   signs      [nodes, bits]  codes, each bit 1 or -1
//   flips      [nodes]        1 more where a bit was flipped
//
// One invocation a node. A bound must be below -LEAST · (1 + mass), lest rounding errors are taken for an improvement.

#import grid

override WORKGROUP: u32 = 64;
override LEAST: f32 = 1e-5;

struct Parameters {
  nodes: u32,
  bits: u32,
}

@group(0) @binding(0) var<storage, read> factors: array<f32>;
@group(0) @binding(1) var<storage, read> direction: array<f32>;
@group(0) @binding(2) var<storage, read> mass: array<f32>;
@group(0) @binding(3) var<storage, read_write> signs: array<f32>;
@group(0) @binding(4) var<storage, read_write> flips: array<u32>;
@group(0) @binding(5) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let node = linear_invocation(group, groups, WORKGROUP, local);
  if (node >= parameters.nodes) {
    return;
  }
  let first = node * parameters.bits;
  var lowest = 0.0;
  var which = 0u;
  for (var bit = 0u; bit < parameters.bits; bit += 1u) {
    let slope = signs[first + bit] * direction[first + bit];
    if (slope < lowest) {
      lowest = slope;
      which = bit;
    }
  }
  if (lowest + factors[2] * mass[node] < -LEAST * (1.0 + mass[node])) {
    signs[first + which] = -signs[first + which];
    flips[node] += 1u;
  }
}
