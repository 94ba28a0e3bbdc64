// The search of search/hamming_bound, which its variants share: one invocation quarters the range of distances for four
// queries until the sample says where enough items are closer. The importing file declares the tensors, the overrides
// and `add_word`.

// Items of the sample closer than the three limits, for each of the four queries.
var<private> below_first: vec4u;
var<private> below_second: vec4u;
var<private> below_third: vec4u;

fn count_below(own: u32, groups: u32, first: vec4u, second: vec4u, third: vec4u, lane: u32) {
  below_first = vec4u();
  below_second = vec4u();
  below_third = vec4u();
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
    let items = vec4u(0xffffffffu >> (32u - min(32u, parameters.count - current * 32u)));
    below_first += countOneBits(below_bound(first) & items);
    below_second += countOneBits(below_bound(second) & items);
    below_third += countOneBits(below_bound(third) & items);
  }
}

fn estimate(group: u32, lane: u32) {
  let groups = (parameters.queries + 3u) / 4u;
  // Lanes beyond the last group load with the others and write nothing.
  let own = min(group, groups - 1u);
  let goal = target_count[own];
  // Fewer than the goal are closer than `low`; the goal is closer than `high`, or there are none further.
  var low = vec4u();
  var high = vec4u(parameters.bits + 1u);
  // A walk of the sample costs more than three comparisons of it: quarters instead of halves.
  for (var range = parameters.bits + 1u; range > 1u; range = (range + 3u) / 4u) {
    let width = high - low;
    let first = low + width / 4u;
    let second = low + width / 2u;
    let third = low + width * 3u / 4u;
    count_below(own, groups, first, second, third, lane);
    // Where the range is too small for quarters a limit is `low` itself.
    high = select(high, third, (below_third >= goal) & (third > low));
    high = select(high, second, (below_second >= goal) & (second > low));
    high = select(high, first, (below_first >= goal) & (first > low));
    low = select(low, first, below_first < goal);
    low = select(low, second, below_second < goal);
    low = select(low, third, below_third < goal);
  }
  if (group < groups) {
    let row = vec4u(0u, 1u, 2u, 3u) + group * 4u;
    bound[group] = select(vec4u(), high, row < vec4u(parameters.queries));
  }
}
