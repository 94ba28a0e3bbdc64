// The walk of search/hamming_collect, which its variants share: one invocation meets the items of one chunk in order of
// id, for four queries, and lists those that can still be among the best. The importing file declares the tensors, the
// overrides and `add_word`.
#import entry

// Per query: listed items from which on the bound falls.
var<private> goals: vec4u;
// Items at this distance or further are out of the question.
var<private> bounds: vec4u;
// Items listed.
var<private> listed: vec4u;
// Items met so far that are closer than the bound, and than one less.
var<private> within: vec4u;
var<private> closer: vec4u;

// Lists the first item of a block whose bit is 1 in `below`, for one of the four queries, and gives back the others.
fn list_item(component: u32, below: u32, base: u32, first: u32) -> u32 {
  if (below == 0u) {
    return 0u;
  }
  let item = countTrailingZeros(below);
  let distance = distance_at(component, item);
  // The bound may have fallen within this block.
  if (distance < bounds[component]) {
    let place = listed[component];
    listed[component] = place + 1u;
    if (place < parameters.capacity) {
      candidates[base + place] = entry_of(distance, first + item);
    }
    within[component] += 1u;
    closer[component] += select(0u, 1u, distance + 1u < bounds[component]);
    // With as many as are wanted, an item as far away as the furthest of them comes too late: ties go by id. Items
    // closer than the next bound but one are not counted, which lowers it later than possible and never too early.
    if (within[component] >= goals[component]) {
      bounds[component] -= 1u;
      within[component] = closer[component];
      closer[component] = 0u;
    }
  }
  return below & (below - 1u);
}

// `chunk` is counted from the beginning of the buffer; `lane` is this invocation's place among those that load together.
fn collect(group: u32, chunk: u32, lane: u32) {
  let groups = (parameters.queries + 3u) / 4u;
  // Lanes beyond the last group load with the others and list nothing.
  let own = min(group, groups - 1u);
  bounds = bound[own];
  if (group >= groups) {
    bounds = vec4u();
  }
  goals = wanted[own];
  listed = vec4u();
  within = vec4u();
  closer = vec4u();
  let stride = parameters.capacity;
  let place = own * 4u * parameters.chunks + parameters.first_chunk + chunk;
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
        below.x = list_item(0u, below.x, place * stride, first);
        below.y = list_item(1u, below.y, (place + parameters.chunks) * stride, first);
        below.z = list_item(2u, below.z, (place + 2u * parameters.chunks) * stride, first);
        below.w = list_item(3u, below.w, (place + 3u * parameters.chunks) * stride, first);
      }
    }
  }
  if (group < groups) {
    counts[place] = listed.x;
    counts[place + parameters.chunks] = listed.y;
    counts[place + 2u * parameters.chunks] = listed.z;
    counts[place + 3u * parameters.chunks] = listed.w;
  }
}
