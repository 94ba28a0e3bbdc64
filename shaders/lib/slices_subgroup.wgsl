// The slices of a block, loaded once by eight lanes of a subgroup together and handed round, for drivers that run shaders
// on the CPU: there a load costs as much for one address as for eight. The importing file declares
// `slices: array<vec4u>` [blocks, WORDS, 8]; its workgroup is eight invocations in one subgroup, which walk together.
#import slices

// Adds the bits in which one word of 32 codes and of four queries differ; `row` counts words of blocks.
fn add_word(row: u32, word: vec4u, lane: u32) {
  let own = slices[row * 8u + lane];
  let a = flip_eight(subgroupBroadcast(own, 0u), subgroupBroadcast(own, 1u), word, 0u);
  let b = flip_eight(subgroupBroadcast(own, 2u), subgroupBroadcast(own, 3u), word, 8u);
  let c = flip_eight(subgroupBroadcast(own, 4u), subgroupBroadcast(own, 5u), word, 16u);
  let d = flip_eight(subgroupBroadcast(own, 6u), subgroupBroadcast(own, 7u), word, 24u);
  add_carries(a, b, c, d);
}
