// Counter-based random numbers, the twin of src/base/random.ts: a draw is a pure function of
// (seed, purpose, step, index). The mixing function is pcg4d (Jarzynski and Olano, JCGT 9(3), 2020).

// What a draw is for; two purposes never share random numbers. The same values stand in src/base/random.ts.
const PURPOSE_NEIGHBOURS = 1u;
const PURPOSE_NEGATIVES = 2u;
const PURPOSE_GUIDANCE = 3u;
const PURPOSE_SHUFFLE = 4u;
const PURPOSE_NOISE = 9u;
const PURPOSE_WALKS = 10u;

// Four independent uniform words for one counter.
fn random4(seed: u32, purpose: u32, step: u32, index: u32) -> vec4u {
  var v = vec4u(seed, purpose, step, index) * 1664525u + 1013904223u;
  v.x += v.y * v.w;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v.w += v.y * v.z;
  v ^= v >> vec4u(16u);
  v.x += v.y * v.w;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v.w += v.y * v.z;
  return v;
}

// A word as a float in [0, 1) with 24 bits, exact in f32.
fn to_unit(word: u32) -> f32 {
  return f32(word >> 8u) * 0x1p-24;
}

// A word as an integer in [0, bound): the high half of the 64-bit product, from 16-bit pieces.
fn to_below(word: u32, bound: u32) -> u32 {
  let word_low = word & 0xffffu;
  let word_high = word >> 16u;
  let bound_low = bound & 0xffffu;
  let bound_high = bound >> 16u;
  let middle = word_high * bound_low + ((word_low * bound_low) >> 16u);
  let carry = word_low * bound_high + (middle & 0xffffu);
  return word_high * bound_high + (middle >> 16u) + (carry >> 16u);
}
