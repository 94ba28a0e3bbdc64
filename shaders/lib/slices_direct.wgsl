// The slices of a block as every invocation loads them for itself: on a GPU a load from one address is a broadcast. The
// importing file declares `slices: array<vec4u>` [blocks, WORDS, 8].
#import slices

// Adds the bits in which one word of 32 codes and of four queries differ; `row` counts words of blocks.
fn add_word(row: u32, word: vec4u, lane: u32) {
  let base = row * 8u;
  let a = flip_eight(slices[base], slices[base + 1u], word, 0u);
  let b = flip_eight(slices[base + 2u], slices[base + 3u], word, 8u);
  let c = flip_eight(slices[base + 4u], slices[base + 5u], word, 16u);
  let d = flip_eight(slices[base + 6u], slices[base + 7u], word, 24u);
  add_carries(a, b, c, d);
}
