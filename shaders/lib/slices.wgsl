// Hamming distances counted in bit slices: for four queries (the components of a vector) and 32 items (the bits of a
// word) at a time, without a popcount. Slice b of a block of items holds bit b of each of its 32 codes. A slice, flipped
// where the query's bit is 1, has a 1 for every item that differs there; full adders add those up into the slices of the
// 32 distances (a carry-save adder tree, Harley and Seal). The importing file declares the overrides WORDS, 32-bit words
// of a code, and LEVELS, bits of a distance: 6 for one word, one more for each doubling.

// Slices of the distances: bits of weight 1, 2, 4, 8, 16, and from 32 on.
var<private> ones: vec4u;
var<private> twos: vec4u;
var<private> fours: vec4u;
var<private> eights: vec4u;
var<private> sixteens: vec4u;
var<private> upper: array<vec4u, 6>;

fn clear_distances() {
  ones = vec4u();
  twos = vec4u();
  fours = vec4u();
  eights = vec4u();
  sixteens = vec4u();
  upper = array<vec4u, 6>();
}

// The carry of a full adder, the majority of three bits, in the form that costs drivers on the CPU the least.
fn carry(a: vec4u, b: vec4u, c: vec4u) -> vec4u {
  return a ^ ((a ^ b) & (a ^ c));
}

// All ones where the given bit is 1.
fn spread(word: vec4u, bit: u32) -> vec4u {
  return bitcast<vec4u>((bitcast<vec4i>(word) << vec4u(31u - bit)) >> vec4u(31u));
}

// Adds eight slices; their carry of weight 8 is returned.
fn add_eight(a: vec4u, b: vec4u, c: vec4u, d: vec4u, e: vec4u, f: vec4u, g: vec4u, h: vec4u) -> vec4u {
  let two_a = carry(ones, a, b);
  ones ^= a ^ b;
  let two_b = carry(ones, c, d);
  ones ^= c ^ d;
  let four_a = carry(twos, two_a, two_b);
  twos ^= two_a ^ two_b;
  let two_c = carry(ones, e, f);
  ones ^= e ^ f;
  let two_d = carry(ones, g, h);
  ones ^= g ^ h;
  let four_b = carry(twos, two_c, two_d);
  twos ^= two_c ^ two_d;
  let eight = carry(fours, four_a, four_b);
  fours ^= four_a ^ four_b;
  return eight;
}

// Flips eight slices, from the given bit on, where the queries' bits are 1, and adds them.
fn flip_eight(low: vec4u, high: vec4u, word: vec4u, bit: u32) -> vec4u {
  return add_eight(
    vec4u(low.x) ^ spread(word, bit),
    vec4u(low.y) ^ spread(word, bit + 1u),
    vec4u(low.z) ^ spread(word, bit + 2u),
    vec4u(low.w) ^ spread(word, bit + 3u),
    vec4u(high.x) ^ spread(word, bit + 4u),
    vec4u(high.y) ^ spread(word, bit + 5u),
    vec4u(high.z) ^ spread(word, bit + 6u),
    vec4u(high.w) ^ spread(word, bit + 7u),
  );
}

// Adds a carry of weight 32 to the slice of that weight and onwards.
fn add_upper(slice: u32, carried: vec4u) -> vec4u {
  let next = upper[slice] & carried;
  upper[slice] ^= carried;
  return next;
}

// Adds the carries of the four eights of a word.
fn add_carries(a: vec4u, b: vec4u, c: vec4u, d: vec4u) {
  let sixteen_a = carry(eights, a, b);
  eights ^= a ^ b;
  let sixteen_b = carry(eights, c, d);
  eights ^= c ^ d;
  var carried = carry(sixteens, sixteen_a, sixteen_b);
  sixteens ^= sixteen_a ^ sixteen_b;
  carried = add_upper(0u, carried);
  if (LEVELS > 6u) {
    carried = add_upper(1u, carried);
  }
  if (LEVELS > 7u) {
    carried = add_upper(2u, carried);
  }
  if (LEVELS > 8u) {
    carried = add_upper(3u, carried);
  }
  if (LEVELS > 9u) {
    carried = add_upper(4u, carried);
  }
  if (LEVELS > 10u) {
    carried = add_upper(5u, carried);
  }
}

fn compare_slice(slice: vec4u, bound: vec4u, bit: u32, below: vec4u) -> vec4u {
  let mask = spread(bound, bit);
  return (~slice & mask) | (~(slice ^ mask) & below);
}

// The items whose distance is below `bound`, from the lowest bit to the highest.
fn below_bound(bound: vec4u) -> vec4u {
  var below = compare_slice(ones, bound, 0u, vec4u());
  below = compare_slice(twos, bound, 1u, below);
  below = compare_slice(fours, bound, 2u, below);
  below = compare_slice(eights, bound, 3u, below);
  below = compare_slice(sixteens, bound, 4u, below);
  below = compare_slice(upper[0], bound, 5u, below);
  if (LEVELS > 6u) {
    below = compare_slice(upper[1], bound, 6u, below);
  }
  if (LEVELS > 7u) {
    below = compare_slice(upper[2], bound, 7u, below);
  }
  if (LEVELS > 8u) {
    below = compare_slice(upper[3], bound, 8u, below);
  }
  if (LEVELS > 9u) {
    below = compare_slice(upper[4], bound, 9u, below);
  }
  if (LEVELS > 10u) {
    below = compare_slice(upper[5], bound, 10u, below);
  }
  return below;
}

fn bit_at(slice: vec4u, component: u32, item: u32, weight: u32) -> u32 {
  return ((slice[component] >> item) & 1u) << weight;
}

// The distance of one item to one query.
fn distance_at(component: u32, item: u32) -> u32 {
  var distance = bit_at(ones, component, item, 0u) | bit_at(twos, component, item, 1u) |
    bit_at(fours, component, item, 2u) | bit_at(eights, component, item, 3u) |
    bit_at(sixteens, component, item, 4u) | bit_at(upper[0], component, item, 5u);
  if (LEVELS > 6u) {
    distance |= bit_at(upper[1], component, item, 6u);
  }
  if (LEVELS > 7u) {
    distance |= bit_at(upper[2], component, item, 7u);
  }
  if (LEVELS > 8u) {
    distance |= bit_at(upper[3], component, item, 8u);
  }
  if (LEVELS > 9u) {
    distance |= bit_at(upper[4], component, item, 9u);
  }
  if (LEVELS > 10u) {
    distance |= bit_at(upper[5], component, item, 10u);
  }
  return distance;
}
