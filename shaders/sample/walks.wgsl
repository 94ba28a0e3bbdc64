// Pairs of nodes of one side that are near each other on random walks, as in BiNE (Gao et al., SIGIR 2018, section 3.2):
// implicit relations within the users, or within the items.
//
//   state       [4]              state[0] = step
//   offsets     [N + 1]          the graph by rows; users' rows come first
//   neighbours  [2 · edges]      node numbers
//   pairs       [rows, stride]   columns 0 and 1 of rows first_row to first_row + batch - 1 are written: a node, and
//                                contexts + the node that it is paired with
//
// One invocation a pair. A walk begins at an end of a random training edge, and so at a node with a chance in proportion
// to its degree, the centrality by which BiNE shares out its walks. A hop goes to a random neighbour of a random
// neighbour, which is a step of the walk on the projection of the graph to one side. After each hop the walk ends with
// chance `stop`, and after `window` hops in any case: nearer nodes are paired more often, as in a window of random width.

#import grid
#import random

override WORKGROUP: u32 = 64;

struct Parameters {
  first_row: u32,
  batch: u32,
  stride: u32,
  edges: u32,
  // 0: users; 1: items.
  side: u32,
  contexts: u32,
  window: u32,
  stop: f32,
  seed: u32,
}

@group(0) @binding(0) var<storage, read> state: array<u32>;
@group(0) @binding(1) var<storage, read> offsets: array<u32>;
@group(0) @binding(2) var<storage, read> neighbours: array<u32>;
@group(0) @binding(3) var<storage, read_write> pairs: array<u32>;
@group(0) @binding(4) var<uniform> parameters: Parameters;

fn neighbour_of(node: u32, word: u32) -> u32 {
  let begin = offsets[node];
  return neighbours[begin + to_below(word, offsets[node + 1u] - begin)];
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_invocation(group, groups, WORKGROUP, local);
  if (index >= parameters.batch) {
    return;
  }
  let row = parameters.first_row + index;
  let step = state[0];
  // A user is the neighbour of a random entry of the items' rows, and an item that of the users'.
  let first = select(parameters.edges, 0u, parameters.side == 1u);
  let word = random4(parameters.seed, PURPOSE_WALKS, step, row * (parameters.window + 1u)).x;
  let origin = neighbours[first + to_below(word, parameters.edges)];
  var node = origin;
  for (var hop = 1u; hop <= parameters.window; hop++) {
    let words = random4(parameters.seed, PURPOSE_WALKS, step, row * (parameters.window + 1u) + hop);
    node = neighbour_of(neighbour_of(node, words.x), words.y);
    if (to_unit(words.z) < parameters.stop) {
      break;
    }
  }
  pairs[row * parameters.stride] = origin;
  pairs[row * parameters.stride + 1u] = parameters.contexts + node;
}
