// What hash/relax and hash/relax_backward share: the argument of a relaxed code's tanh.

// The largest float32 below 1: beyond it atanh is infinite.
const INSIDE = 0x1.fffffep-1;

fn inside(embedding: vec4f) -> vec4f {
  return clamp(embedding, vec4f(-INSIDE), vec4f(INSIDE));
}

// The inverse of tanh, of values inside of ±1.
fn inverse_tanh(value: vec4f) -> vec4f {
  return 0.5 * log((1.0 + value) / (1.0 - value));
}

// Half a draw from the logistic distribution, ½ ln(u / (1 - u)) with u uniform in (0, 1), exact in 23 bits.
fn half_logistic(words: vec4u) -> vec4f {
  let uniform_draw = (vec4f(words >> vec4u(9u)) + 0.5) * 0x1p-23;
  return 0.5 * log(uniform_draw / (1.0 - uniform_draw));
}
