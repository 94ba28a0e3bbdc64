// The activation of a dense layer: 0 none, 1 leaky ReLU, 2 tanh.

override ACTIVATION: u32 = 0;
override SLOPE: f32 = 0.2;

fn activate(x: vec4f) -> vec4f {
  if (ACTIVATION == 1u) {
    return select(SLOPE * x, x, x >= vec4f(0.0));
  }
  if (ACTIVATION == 2u) {
    return tanh(x);
  }
  return x;
}

// The derivative, from the activation's value: a leaky ReLU keeps the sign of its argument (SLOPE > 0).
fn activation_derivative(value: vec4f) -> vec4f {
  if (ACTIVATION == 1u) {
    return select(vec4f(SLOPE), vec4f(1.0), value >= vec4f(0.0));
  }
  if (ACTIVATION == 2u) {
    return 1.0 - value * value;
  }
  return vec4f(1.0);
}
