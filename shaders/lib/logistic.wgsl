// The logistic function and its relatives in forms that neither overflow nor cancel: every exponential has an argument
// of at most 0. Checked at scores of ±80 and far beyond.

// σ(x) = 1 / (1 + exp(-x)).
fn sigmoid(x: f32) -> f32 {
  let tail = exp(-abs(x));
  return select(tail, 1.0, x >= 0.0) / (1.0 + tail);
}

// σ'(x) = σ(x) · (1 - σ(x)).
fn sigmoid_slope(x: f32) -> f32 {
  let tail = exp(-abs(x));
  let whole = 1.0 + tail;
  return tail / (whole * whole);
}

// ln(1 + exp(x)), to full relative precision also where exp(x) is lost beside 1.
fn softplus(x: f32) -> f32 {
  let tail = exp(-abs(x));
  let series = tail * (1.0 - tail * (0.5 - tail * 0.33333334));
  return max(x, 0.0) + select(log(1.0 + tail), series, tail < 0.01);
}
