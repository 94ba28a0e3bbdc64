// Lists, for each query and chunk of the database, the items that can be among its nearest codes by Hamming distance
// (paper, "Hamming space retrieval"): all that are closer than a bound given for the query, less those that come after
// enough others as close. search/hamming_order makes the ranking of them.
//
//   slices      [blocks, words, 32]          codes in bit slices: bit i of slices[b, w, j] is bit j of word w of item 32b + i
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
// One invocation a group of four queries and a chunk, groups side by side, so that neighbours read the same slices. Cost:
// some 6 logic operations for a bit of 32 items and one query, no popcount. Hazard: an invocation's time grows with
// chunk_blocks, so that the host limits the pairs of one dispatch.

#import grid
#import slices_direct
#import collect_blocks

override WORKGROUP: u32 = 64;
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
@group(0) @binding(7) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_invocation(group, groups, WORKGROUP, local);
  let quads = (parameters.queries + 3u) / 4u;
  let chunk = parameters.own_chunk + index / quads;
  if (chunk * parameters.chunk_blocks >= parameters.blocks) {
    return;
  }
  collect(index % quads, chunk, 0u);
}
