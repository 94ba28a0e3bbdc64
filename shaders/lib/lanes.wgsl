// Sums over the lanes of a row, a power of two that divides the workgroup: always in the same order, by a tree in shared
// memory. The importing file declares the overrides WORKGROUP and LANES; lanes of a row are neighbours.

var<workgroup> shared_values: array<vec4f, WORKGROUP>;

// The sums of all lanes of a row, or in x the largest. Every lane of the workgroup must call it.
fn over_lanes(value: vec4f, local: u32, largest: bool) -> vec4f {
  if (LANES == 1u) {
    return value;
  }
  workgroupBarrier();
  shared_values[local] = value;
  for (var stride = LANES / 2u; stride > 0u; stride /= 2u) {
    workgroupBarrier();
    if (local % LANES < stride) {
      let other = shared_values[local + stride];
      if (largest) {
        shared_values[local].x = max(shared_values[local].x, other.x);
      } else {
        shared_values[local] += other;
      }
    }
  }
  workgroupBarrier();
  return shared_values[local - local % LANES];
}
