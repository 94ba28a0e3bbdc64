// Floats of 16 bits in octets of eight columns, two a word, as aggregate/pack_half writes them. unpack2x16float is core WGSL:
// the optional feature shader-f16 would not read a byte less. Drivers may take halves below 2^-14, which are subnormal, for 0.

fn unpack_four(words: vec2u) -> vec4f {
  return vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
}
