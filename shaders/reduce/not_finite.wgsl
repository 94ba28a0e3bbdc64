// Looks for values that are NaN or infinite. They are known by their bits, since WGSL lets an implementation assume in
// arithmetic that there are none.
//
//   values  [count]     any
//   found   [slots, 2]  row `slot`: how many there are, and `count` less the index of the first; 0, 0 where there are none,
//                       as it must be before
//
// One invocation takes every `invocations`-th value. Reads 4 bytes a value; writes where something is found alone, with
// atomics whose order does not matter.

#import grid

override WORKGROUP: u32 = 64;

struct Parameters {
  count: u32,
  invocations: u32,
  slot: u32,
}

@group(0) @binding(0) var<storage, read> values: array<f32>;
@group(0) @binding(1) var<storage, read_write> found: array<atomic<u32>>;
@group(0) @binding(2) var<uniform> parameters: Parameters;

// All bits of the exponent.
const EXPONENT = 0x7f800000u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let first = linear_invocation(group, groups, WORKGROUP, local);
  if (first >= parameters.invocations) {
    return;
  }
  var count = 0u;
  var lowest = parameters.count;
  for (var index = first; index < parameters.count; index += parameters.invocations) {
    if ((bitcast<u32>(values[index]) & EXPONENT) == EXPONENT) {
      count += 1u;
      lowest = min(lowest, index);
    }
  }
  if (count > 0u) {
    atomicAdd(&found[2u * parameters.slot], count);
    atomicMax(&found[2u * parameters.slot + 1u], parameters.count - lowest);
  }
}
