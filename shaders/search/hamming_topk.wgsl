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
//   scratch     unused by this variant
//
// A dispatch walks chunks of one buffer, from own_chunk on to item `count`: chunk c is items c · chunk_items and onwards,
// and number first_chunk + c in the lists. A chunk has 2²¹ items at most, a multiple of 32.
//
// This variant: one workgroup a query and chunk. (1) The lanes walk the quads and count items by distance in shared
// integer atomics, whose sum does not depend on order. (2) One lane finds the furthest distance that is wanted. (3) The
// lanes walk the quads again and list the items closer than that and the first as far: the place of an item in the list
// is the number of chosen items before it, counted in bit masks. Cost: 2 · count · words popcounts a query. Hazard: every
// lane reaches every barrier, since all loop bounds are uniform.

#import grid
#import entry

override WORKGROUP: u32 = 256;
override MASKS: u32 = (WORKGROUP + 7u) / 8u;

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

// Distances from 0 to that of the widest code.
const BINS = 1025u;
const NONE = 0xffffffffu;

// Items by distance.
var<workgroup> histogram: array<atomic<u32>, BINS>;
// One bit for each of the four items of each lane's quad.
var<workgroup> closer: array<atomic<u32>, MASKS>;
var<workgroup> tied: array<atomic<u32>, MASKS>;
var<workgroup> threshold: u32;
var<workgroup> found: u32;
var<workgroup> found_closer: u32;

// The distances of a quad, those of items that may not be returned beyond every limit.
fn distances_to(quad: u32, row: u32) -> vec4u {
  var distance = vec4u(0u);
  let words = (parameters.bits + 31u) / 32u;
  let stride = (parameters.queries + 3u) / 4u * 4u;
  for (var word = 0u; word < words; word += 1u) {
    distance += countOneBits(database[quad * words + word] ^ vec4u(query[word * stride + row]));
  }
  let mask = alive[quad / 8u] >> (quad % 8u * 4u);
  return select(vec4u(NONE), distance, (vec4u(mask) & vec4u(1u, 2u, 4u, 8u)) != vec4u(0u));
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_group(group, groups);
  let row = index % parameters.queries;
  let chunk = parameters.own_chunk + index / parameters.queries;
  if (chunk * parameters.chunk_items >= parameters.count) {
    return;
  }
  let goal = wanted[row];
  let begin = chunk * parameters.chunk_items / 4u;
  let end = min(parameters.count, (chunk + 1u) * parameters.chunk_items);
  let quads = (end + 3u) / 4u;

  for (var quad = begin + local; quad < quads; quad += WORKGROUP) {
    let distance = distances_to(quad, row);
    for (var i = 0u; i < 4u; i += 1u) {
      if (distance[i] != NONE) {
        atomicAdd(&histogram[distance[i]], 1u);
      }
    }
  }
  workgroupBarrier();

  if (local == 0u) {
    var before = 0u;
    var limit = 0u;
    var closer_than_limit = 0u;
    for (var distance = 0u; distance <= parameters.bits && before < goal; distance += 1u) {
      limit = distance;
      closer_than_limit = before;
      before += atomicLoad(&histogram[distance]);
    }
    threshold = limit;
    found = min(before, goal);
    found_closer = closer_than_limit;
  }
  let limit = workgroupUniformLoad(&threshold);
  let total = workgroupUniformLoad(&found);
  let ties = total - workgroupUniformLoad(&found_closer);
  let list = row * parameters.chunks + parameters.first_chunk + chunk;
  let base = list * parameters.capacity;

  // Closer items and ties seen so far; the same number in every lane.
  var closer_before = 0u;
  var tied_before = 0u;
  for (var first = begin; first < quads; first += WORKGROUP) {
    for (var mask = local; mask < MASKS; mask += WORKGROUP) {
      atomicStore(&closer[mask], 0u);
      atomicStore(&tied[mask], 0u);
    }
    workgroupBarrier();
    let quad = first + local;
    let shift = (local % 8u) * 4u;
    var distance = vec4u(NONE);
    if (quad < quads) {
      distance = distances_to(quad, row);
      for (var i = 0u; i < 4u; i += 1u) {
        if (distance[i] < limit) {
          atomicOr(&closer[local / 8u], 1u << (shift + i));
        } else if (distance[i] == limit) {
          atomicOr(&tied[local / 8u], 1u << (shift + i));
        }
      }
    }
    workgroupBarrier();
    let own = local / 8u;
    var closer_rank = closer_before;
    var tied_rank = tied_before;
    // Only the masks in use.
    let masks = min(MASKS, (quads - first + 7u) / 8u);
    for (var mask = 0u; mask < masks; mask += 1u) {
      let closer_bits = countOneBits(atomicLoad(&closer[mask]));
      let tied_bits = countOneBits(atomicLoad(&tied[mask]));
      closer_before += closer_bits;
      tied_before += tied_bits;
      closer_rank += select(0u, closer_bits, mask < own);
      tied_rank += select(0u, tied_bits, mask < own);
    }
    if (quad < quads) {
      let closer_mask = atomicLoad(&closer[own]);
      let tied_mask = atomicLoad(&tied[own]);
      let earlier = (1u << shift) - 1u;
      closer_rank += countOneBits(closer_mask & earlier);
      tied_rank += countOneBits(tied_mask & earlier);
      for (var i = 0u; i < 4u; i += 1u) {
        let is_closer = ((closer_mask >> (shift + i)) & 1u) == 1u;
        let is_tied = ((tied_mask >> (shift + i)) & 1u) == 1u;
        if (is_closer || (is_tied && tied_rank < ties)) {
          candidates[base + closer_rank + min(tied_rank, ties)] =
            entry_of(distance[i], (quad - begin) * 4u + i);
        }
        closer_rank += u32(is_closer);
        tied_rank += u32(is_tied);
      }
    }
    workgroupBarrier();
  }
  if (local == 0u) {
    counts[list] = total;
  }
}
