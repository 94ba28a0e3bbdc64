// Packs float32 features into floats of 16 bits (IEEE 754 binary16), two in a word, for aggregate/mean_full_half.
//
//   source  [rows, width]      float32
//   packed  [rows, octets, 4]  columns 8o to 8o + 7 of a row in octet o, the first of two in the lower half of a word as
//                              unpack2x16float reads them; octets = ceil(width / 8), the rest of the last one 0
//
// Each becomes the nearest half, ties to even. Beyond the largest half, 65504, it becomes that, so that no finite value
// turns infinite; infinities and NaN stay, so that a training that diverged is still found. Steps are 2^-24 below 2^-14,
// and what is no more than 2^-25 becomes 0.
//
// The bits are made by whole numbers: WGSL leaves it to the driver which way pack2x16float rounds, and one that cuts off
// would double the error and make all sums smaller.
//
// One invocation an octet. Memory bound: 6 bytes an element.

#import grid

override WORKGROUP: u32 = 64;

struct Parameters {
  rows: u32,
  // A multiple of 4.
  width: u32,
}

@group(0) @binding(0) var<storage, read> source: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> packed: array<vec4u>;
@group(0) @binding(2) var<uniform> parameters: Parameters;

// Float32 has 8 bits of exponent with 127 added and 23 of fraction, a half 5 with 15 added and 10.
const INFINITY = vec4u(0x7f800000u);
const LARGEST = vec4u(0x477fe000u);
const SMALLEST_NORMAL = vec4u(0x38800000u);
const REBIAS = vec4u((127u - 15u) << 23u);
const FRACTION = vec4u(23u - 10u);

fn pack_four(value: vec4f) -> vec2u {
  let bits = bitcast<vec4u>(value);
  let magnitude = bits & vec4u(0x7fffffffu);
  let within = min(magnitude, LARGEST);
  // Half a step less a bit, and that bit where the last one kept is odd: a carry goes on into the exponent.
  let even = (within >> FRACTION) & vec4u(1u);
  let normal = (within - REBIAS + vec4u(0xfffu) + even) >> FRACTION;
  // Beside a half the last bit of float32 is a step of the subnormal ones: the sum rounds to them.
  let small = bitcast<vec4u>(bitcast<vec4f>(min(within, SMALLEST_NORMAL)) + 0.5) - bitcast<vec4u>(vec4f(0.5));
  let finite = select(small, normal, within >= SMALLEST_NORMAL);
  let special = select(vec4u(0x7c00u), vec4u(0x7e00u), magnitude > INFINITY);
  let half = select(finite, special, magnitude >= INFINITY) | ((bits >> vec4u(16u)) & vec4u(0x8000u));
  return half.xz | (half.yw << vec2u(16u));
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_invocation(group, groups, WORKGROUP, local);
  let octets = (parameters.width + 7u) / 8u;
  if (index >= parameters.rows * octets) {
    return;
  }
  let columns = parameters.width / 4u;
  let column = 2u * (index % octets);
  let at = (index / octets) * columns + column;
  let low = pack_four(source[at]);
  var high = vec2u(0u);
  if (column + 1u < columns) {
    high = pack_four(source[at + 1u]);
  }
  packed[index] = vec4u(low, high);
}
