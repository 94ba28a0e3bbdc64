// The draws behind the guidance mask Q of the paper's eq. 8, alike for hash/guide and hash/guide_backward. Needs
// lib/random.

// Uniform draws in [0, 1) for four neighbouring columns of a row; Q is 1 where a draw is below p. `by_row` is 1 for one
// draw a row and 0 for one draw an element; `quad` numbers the groups of four columns over the whole tensor.
fn guidance_draws(seed: u32, step: u32, by_row: u32, row: u32, quad: u32) -> vec4f {
  if (by_row == 1u) {
    return vec4f(to_unit(random4(seed, PURPOSE_GUIDANCE, step, row).x));
  }
  let words = random4(seed, PURPOSE_GUIDANCE, step, quad);
  return vec4f(to_unit(words.x), to_unit(words.y), to_unit(words.z), to_unit(words.w));
}
