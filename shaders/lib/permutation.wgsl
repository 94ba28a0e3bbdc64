// A random permutation of [0, count) that is computed and not stored: a Feistel network over the next even power of
// two, walked until it falls inside (Black and Rogaway, "Ciphers with Arbitrary Finite Domains", CT-RSA 2002). The twin
// of src/reference/lib/permutation.ts.

#import random

const FEISTEL_ROUNDS = 4u;

// Where `index` goes in the permutation numbered `epoch`; `count` must be above 0.
fn permuted(index: u32, count: u32, seed: u32, epoch: u32) -> u32 {
  // Half of the bits that count - 1 needs, rounded up: fewer than four tries on average.
  let half = max((33u - countLeadingZeros(count - 1u)) / 2u, 1u);
  let mask = (1u << half) - 1u;
  var value = index;
  loop {
    var left = value >> half;
    var right = value & mask;
    for (var round = 0u; round < FEISTEL_ROUNDS; round++) {
      let mixed = left ^ (random4(seed, PURPOSE_SHUFFLE, epoch, right * FEISTEL_ROUNDS + round).x & mask);
      left = right;
      right = mixed;
    }
    value = (left << half) | right;
    if (value < count) {
      break;
    }
  }
  return value;
}
