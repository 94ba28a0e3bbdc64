// The nearest codes by Hamming distance in each chunk of the database (paper, "Hamming space retrieval"): as many as are
// wanted, by (distance, place), listed in order of place. search/hamming_order makes the ranking of them.
//
//   database    [quads, words, 4]   codes of items, 32 bits a word, the words of four items side by side:
//                                   database[b, w] holds word w of items 4b to 4b + 3 (the last quad is padded)
//   alive       [ceil(count / 32)]  bit i of word b is 1 where item 32b + i may be returned
//   query       [words, stride]     word w of each query; stride is the number of queries, up to a multiple of four
//   wanted      [stride]            items wanted by each query, at most capacity
//   counts      [stride, chunks]    items listed
//   candidates  [stride, chunks, capacity]  distance · 2²¹ + place in the chunk, ascending by place
//   scratch     [invocations rounded up to whole workgroups, bits + 1]  counters, side by side in a workgroup
//
// A dispatch walks chunks of one buffer, from own_chunk on to item `count`: chunk c is items c · chunk_items and onwards,
// and number first_chunk + c in the lists. A chunk has 2²¹ items at most, a multiple of 32.
//
// This variant: one invocation a query and chunk, no barrier and no atomic, for drivers that run shaders on the CPU and
// for very many queries. It meets the items in order, twice: first it counts them by distance, only those within the
// distance of the last one wanted so far, then it lists those that are closer and the first that are as far. Cost:
// 2 · count · words popcounts a query, and memory traffic only for items near the best. Hazard: an invocation's time
// grows with chunk_items, so that the host limits the pairs of one dispatch.

#import grid
#import entry

override WORKGROUP: u32 = 64;
// 1 where codes have more than 32 bits.
override WIDE: u32 = 1;

struct Parameters {
  queries: u32,
  // Items of this buffer, up to the last chunk of the dispatch.
  count: u32,
  chunk_items: u32,
  own_chunk: u32,
  first_chunk: u32,
  chunks: u32,
  capacity: u32,
  bits: u32,
}

@group(0) @binding(0) var<storage, read> database: array<vec4u>;
@group(0) @binding(1) var<storage, read> alive: array<u32>;
@group(0) @binding(2) var<storage, read> query: array<u32>;
@group(0) @binding(3) var<storage, read> wanted: array<u32>;
@group(0) @binding(4) var<storage, read_write> counts: array<u32>;
@group(0) @binding(5) var<storage, read_write> candidates: array<u32>;
@group(0) @binding(6) var<storage, read_write> scratch: array<u32>;
@group(0) @binding(7) var<uniform> parameters: Parameters;

const NONE = 0xffffffffu;

var<private> row: u32;
// Where the counter of distance d lies: counters + d * WORKGROUP.
var<private> counters: u32;
// Items at this distance or further cannot be among the wanted.
var<private> limit: u32;
// Items met closer than `limit`.
var<private> seen: u32;
// The first word of the query, all there is of most codes.
var<private> first_word: u32;

fn distances_to(quad: u32) -> vec4u {
  let words = (parameters.bits + 31u) / 32u;
  let base = quad * words;
  var distance = countOneBits(database[base] ^ vec4u(first_word));
  if (WIDE == 1u) {
    let stride = (parameters.queries + 3u) / 4u * 4u;
    for (var word = 1u; word < words; word += 1u) {
      distance += countOneBits(database[base + word] ^ vec4u(query[word * stride + row]));
    }
  }
  return distance;
}

// The distances of a quad, those of items that may not be returned beyond every limit.
fn masked(quad: u32, distance: vec4u) -> vec4u {
  let mask = alive[quad / 8u] >> (quad % 8u * 4u);
  return select(vec4u(NONE), distance, (vec4u(mask) & vec4u(1u, 2u, 4u, 8u)) != vec4u(0u));
}

fn count_item(distance: u32) {
  if (distance < limit) {
    scratch[counters + distance * WORKGROUP] += 1u;
    seen += 1u;
  }
}

// While there are enough without the furthest distance, that distance is out of the question from here on.
fn tighten(goal: u32) {
  while (seen >= goal) {
    let furthest = scratch[counters + (limit - 1u) * WORKGROUP];
    if (seen - furthest < goal) {
      break;
    }
    seen -= furthest;
    limit -= 1u;
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_invocation(group, groups, WORKGROUP, local);
  row = index % parameters.queries;
  let chunk = parameters.own_chunk + index / parameters.queries;
  if (chunk * parameters.chunk_items >= parameters.count) {
    return;
  }
  let bins = parameters.bits + 1u;
  counters = linear_group(group, groups) * WORKGROUP * bins + local;
  for (var bin = 0u; bin < bins; bin += 1u) {
    scratch[counters + bin * WORKGROUP] = 0u;
  }
  first_word = query[row];
  let goal = wanted[row];
  let begin = chunk * parameters.chunk_items / 4u;
  let end = min(parameters.count, (chunk + 1u) * parameters.chunk_items);
  let quads = (end + 3u) / 4u;
  let list = row * parameters.chunks + parameters.first_chunk + chunk;
  if (goal == 0u) {
    counts[list] = 0u;
    return;
  }

  limit = bins;
  seen = 0u;
  var quad = begin;
  var distance = vec4u(0u);
  // In both walks each lane runs ahead to its next quad with an item of interest, so that the lanes of a vector then
  // work on theirs together.
  loop {
    for (; quad < quads; quad += 1u) {
      distance = distances_to(quad);
      if (any(distance < vec4u(limit))) {
        break;
      }
    }
    if (quad >= quads) {
      break;
    }
    distance = masked(quad, distance);
    count_item(distance.x);
    count_item(distance.y);
    count_item(distance.z);
    count_item(distance.w);
    tighten(goal);
    quad += 1u;
  }

  // All that are closer than the furthest distance, and as many at that distance as are still wanted.
  let furthest = limit - 1u;
  let total = min(seen, goal);
  var ties = total - (seen - scratch[counters + furthest * WORKGROUP]);
  var listed = 0u;
  quad = begin;
  let base = list * parameters.capacity;
  while (listed < total) {
    for (; quad < quads; quad += 1u) {
      distance = distances_to(quad);
      if (any(distance < vec4u(limit))) {
        break;
      }
    }
    distance = masked(quad, distance);
    for (var i = 0u; i < 4u; i += 1u) {
      if (distance[i] < furthest || (distance[i] == furthest && ties > 0u)) {
        ties -= select(0u, 1u, distance[i] == furthest);
        candidates[base + listed] = entry_of(distance[i], quad * 4u + i - begin * 4u);
        listed += 1u;
      }
    }
    quad += 1u;
  }
  counts[list] = total;
}
