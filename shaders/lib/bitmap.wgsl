// A set of nodes as a bitmap: bit (node mod 32) of word (node div 32). With the exclusive prefix sums of the words' bit
// counts, the rank of a member among all members costs one popcount.

// Is the node in the set, given the word that holds its bit?
fn has_node(word: u32, node: u32) -> bool {
  return ((word >> (node & 31u)) & 1u) == 1u;
}

// Members of the word below the node.
fn members_below(word: u32, node: u32) -> u32 {
  return countOneBits(word & ((1u << (node & 31u)) - 1u));
}
