// What is done with rows of scores of which only the items count that a user does not have yet. The importing file declares
// `offsets`, `columns` and `scores`, and imports lanes.

// In the place of scores of the user's own items. No other may be below half of it.
const OWN = -0x1p50;

// Puts OWN in the place of the user's own items, in the row that begins at `first`. Every lane of the workgroup must call it.
fn mark_own(user: u32, first: u32, lane: u32, inside: bool) {
  for (var entry = offsets[user] + lane; entry < select(0u, offsets[user + 1u], inside); entry += LANES) {
    scores[first + columns[entry]] = OWN;
  }
  if (LANES > 1u) {
    storageBarrier();
  }
}

// The largest of the row's scores, so that no exponential overflows, and moments are taken about it.
fn largest_score(first: u32, items: u32, lane: u32, local: u32) -> f32 {
  var most = OWN;
  for (var item = lane; item < items; item += LANES) {
    most = max(most, scores[first + item]);
  }
  return over_lanes(vec4f(most), local, true).x;
}

// exp(scale · below), or 0 where the score is the mark; `below` is the score less the largest.
fn power_of(score: f32, below: f32, scale: f32) -> f32 {
  return select(0.0, exp(scale * below), score > 0.5 * OWN);
}
