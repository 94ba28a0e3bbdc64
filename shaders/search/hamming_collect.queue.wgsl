// Lists, for each query and chunk of the database, the items that can be among its nearest codes by Hamming distance
// (paper, "Hamming space retrieval"): all that are closer than a bound given for the query, less those that come after
// enough others as close. search/hamming_order makes the ranking of them.
//
//   slices      [blocks, words, 32]          codes in bit slices: bit i of slices[b, w, j] is bit j of word w of item 32b + i
//   database    [blocks · 8, words, 4]       the same codes: word w of item 4q + i is database[q, w, i]
//   alive       [blocks]                     bit i of word b is 1 where item 32b + i may be returned
//   query       [words, groups, 4]           word w of queries 4g to 4g + 3; groups = ceil(queries / 4)
//   bound       [groups, 4]                  only items at a smaller distance are listed; 0 beyond the last query
//   wanted      [groups, 4]                  from so many listed items on, the bound falls as they allow
//   counts      [groups · 4, chunks]         items listed; more than capacity where the list was too short
//   candidates  [groups · 4, chunks, capacity]  distance · 2²¹ + place in the chunk, ascending by place
//
// A dispatch walks chunks of one buffer, from own_chunk on to block `blocks`: chunk c is blocks c · chunk_blocks and
// onwards, and number first_chunk + c in the lists. A chunk has 2²¹ items at most.
//
// This variant: eight invocations, one subgroup, share a chunk and hand the slices round, each for its own four queries;
// for drivers that run shaders on the CPU, where many items are within the bounds. What eight blocks have within them
// waits in a queue, and each invocation then goes through its own at its own pace: block by block, the lanes of a vector
// would mostly wait for the one with the most. Cost: some 6 logic operations for a bit of 32 items and one query, no
// popcount but of the items that are listed. Hazard: an invocation's time grows with chunk_blocks, so that the host limits
// the pairs of one dispatch.

enable subgroups;

#import grid
#import slices_subgroup
#import collect

override WORDS: u32 = 1;
override LEVELS: u32 = 6;

struct Parameters {
  queries: u32,
  // Of this buffer, up to the last chunk of the dispatch.
  blocks: u32,
  chunk_blocks: u32,
  own_chunk: u32,
  first_chunk: u32,
  chunks: u32,
  capacity: u32,
}

@group(0) @binding(0) var<storage, read> slices: array<vec4u>;
@group(0) @binding(1) var<storage, read> alive: array<u32>;
@group(0) @binding(2) var<storage, read> query: array<vec4u>;
@group(0) @binding(3) var<storage, read> bound: array<vec4u>;
@group(0) @binding(4) var<storage, read> wanted: array<vec4u>;
@group(0) @binding(5) var<storage, read_write> counts: array<u32>;
@group(0) @binding(6) var<storage, read_write> candidates: array<u32>;
@group(0) @binding(7) var<storage, read> database: array<vec4u>;
@group(0) @binding(8) var<uniform> parameters: Parameters;

// The queries' only word, or the current one.
var<private> word: vec4u;

// The items within the bounds of the last blocks, the oldest first.
var<private> queue: array<vec4u, 8>;

// Of one of the four queries, those of the oldest block but `place`.
fn queued(component: u32, place: u32) -> u32 {
  var items = queue[0][component];
  items = select(items, queue[1][component], place == 1u);
  items = select(items, queue[2][component], place == 2u);
  items = select(items, queue[3][component], place == 3u);
  items = select(items, queue[4][component], place == 4u);
  items = select(items, queue[5][component], place == 5u);
  items = select(items, queue[6][component], place == 6u);
  return select(items, queue[7][component], place == 7u);
}

fn mark(component: u32, place: u32) -> u32 {
  return select(0u, 1u << place, queue[place][component] != 0u);
}

fn distance_to(component: u32, item: u32) -> u32 {
  let row = item / 4u * WORDS;
  var distance = 0u;
  for (var index = 0u; index < WORDS; index += 1u) {
    var bits = word[component];
    if (WORDS > 1u) {
      bits = query[index * groups + own][component];
    }
    distance += countOneBits(database[row + index][item % 4u] ^ bits);
  }
  return distance;
}

// Lists what the queue holds for one of the four queries. `oldest` is the first block of it, counted in the buffer like
// `begin`, where the chunk begins; it may lie before that, with nothing in the queue.
fn list_queued(component: u32, begin: u32, oldest: u32) {
  var blocks = mark(component, 0u) | mark(component, 1u) | mark(component, 2u) | mark(component, 3u) |
    mark(component, 4u) | mark(component, 5u) | mark(component, 6u) | mark(component, 7u);
  var place = 0u;
  var items = 0u;
  while ((blocks | items) != 0u) {
    if (items == 0u) {
      place = countTrailingZeros(blocks);
      items = queued(component, place);
      blocks &= blocks - 1u;
    }
    let item = (oldest + place) * 32u + countTrailingZeros(items);
    items &= items - 1u;
    list_item(component, distance_to(component, item), item - begin * 32u);
  }
}

// `chunk` is counted from the beginning of the buffer.
fn collect(group: u32, chunk: u32, lane: u32) {
  begin_lists(group, chunk);
  let begin = chunk * parameters.chunk_blocks;
  let end = min(parameters.blocks, begin + parameters.chunk_blocks);
  word = query[own];
  for (var current = begin; current < end; current += 1u) {
    clear_distances();
    for (var index = 0u; index < WORDS; index += 1u) {
      if (WORDS > 1u) {
        word = query[index * groups + own];
      }
      add_word(current * WORDS + index, word, lane);
    }
    queue[0] = queue[1];
    queue[1] = queue[2];
    queue[2] = queue[3];
    queue[3] = queue[4];
    queue[4] = queue[5];
    queue[5] = queue[6];
    queue[6] = queue[7];
    queue[7] = below_bound(bounds) & vec4u(alive[current]);
    if ((current + 1u) % 8u == 0u || current + 1u == end) {
      list_queued(0u, begin, current - 7u);
      list_queued(1u, begin, current - 7u);
      list_queued(2u, begin, current - 7u);
      list_queued(3u, begin, current - 7u);
      queue = array<vec4u, 8>();
    }
  }
  end_lists(group);
}

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_group(group, groups);
  let tiles = (parameters.queries + 31u) / 32u;
  let chunk = parameters.own_chunk + index / tiles;
  if (chunk * parameters.chunk_blocks >= parameters.blocks) {
    return;
  }
  collect((index % tiles) * 8u + local, chunk, local);
}
