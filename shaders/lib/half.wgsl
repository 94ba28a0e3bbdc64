// Floats of 16 bits (IEEE 754 binary16), two in a word. The functions are of core WGSL: the optional feature shader-f16
// would save no byte more where sums stay in float32.

fn unpack_half(words: vec2u) -> vec4f {
  return vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
}
