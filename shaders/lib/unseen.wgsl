// Powers of scores of the items that a user does not have yet, in rows where the user's own are marked.

// In the place of scores of the user's own items. No other may be below half of it.
const OWN = -0x1p50;

// exp(scale · below), or 0 where the score is the mark; `below` is the score less the largest.
fn power_of(score: f32, below: f32, scale: f32) -> f32 {
  return select(0.0, exp(scale * below), score > 0.5 * OWN);
}
