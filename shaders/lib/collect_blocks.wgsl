// The walk of search/hamming_collect block by block, for few items within the bounds. The importing file declares the
// tensors, the overrides and `add_word`.
#import collect

// Lists the first item of a block whose bit is 1 in `below`, for one of the four queries, and gives back the others.
fn list_first(component: u32, below: u32, first: u32) -> u32 {
  if (below == 0u) {
    return 0u;
  }
  let item = countTrailingZeros(below);
  list_item(component, distance_at(component, item), first + item);
  return below & (below - 1u);
}

// `chunk` is counted from the beginning of the buffer; `lane` is this invocation's place among those that load together.
fn collect(group: u32, chunk: u32, lane: u32) {
  begin_lists(group, chunk);
  let begin = chunk * parameters.chunk_blocks;
  let end = min(parameters.blocks, begin + parameters.chunk_blocks);
  var word = query[own];
  for (var current = begin; current < end; current += 1u) {
    clear_distances();
    for (var index = 0u; index < WORDS; index += 1u) {
      if (WORDS > 1u) {
        word = query[index * groups + own];
      }
      add_word(current * WORDS + index, word, lane);
    }
    var below = below_bound(bounds);
    if (any(below != vec4u())) {
      below &= vec4u(alive[current]);
      let first = (current - begin) * 32u;
      // One item of each of the four queries at a time: most blocks have none or one.
      while (any(below != vec4u())) {
        below.x = list_first(0u, below.x, first);
        below.y = list_first(1u, below.y, first);
        below.z = list_first(2u, below.z, first);
        below.w = list_first(3u, below.w, first);
      }
    }
  }
  end_lists(group);
}
