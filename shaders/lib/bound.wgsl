// The search of search/hamming_bound, which its variants share: one invocation halves the range of distances for four
// queries until the sample says where enough items are closer. The importing file declares the tensors, the overrides
// and `add_word`.

// Items of the sample closer than `limit`, for each of the four queries.
fn count_below(own: u32, groups: u32, limit: vec4u, lane: u32) -> vec4u {
  var total = vec4u();
  let blocks = (parameters.count + 31u) / 32u;
  var word = query[own];
  for (var current = 0u; current < blocks; current += 1u) {
    clear_distances();
    for (var index = 0u; index < WORDS; index += 1u) {
      if (WORDS > 1u) {
        word = query[index * groups + own];
      }
      add_word(current * WORDS + index, word, lane);
    }
    // The last block may be incomplete.
    let items = min(32u, parameters.count - current * 32u);
    total += countOneBits(below_bound(limit) & vec4u(0xffffffffu >> (32u - items)));
  }
  return total;
}

fn estimate(group: u32, lane: u32) {
  let groups = (parameters.queries + 3u) / 4u;
  // Lanes beyond the last group load with the others and write nothing.
  let own = min(group, groups - 1u);
  let goal = target_count[own];
  // Fewer than the goal are closer than `low`; the goal is closer than `high`, or there are none further.
  var low = vec4u();
  var high = vec4u(parameters.bits + 1u);
  for (var range = parameters.bits + 1u; range > 1u; range = (range + 1u) / 2u) {
    let middle = (low + high) / 2u;
    let enough = count_below(own, groups, middle, lane) >= goal;
    let open = high - low > vec4u(1u);
    high = select(high, middle, enough & open);
    low = select(low, middle, !enough & open);
  }
  if (group < groups) {
    let row = vec4u(0u, 1u, 2u, 3u) + group * 4u;
    bound[group] = select(vec4u(), high, row < vec4u(parameters.queries));
  }
}
