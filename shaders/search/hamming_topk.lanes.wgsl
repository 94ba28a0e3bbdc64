// The exact k nearest codes by Hamming distance (paper, "Hamming space retrieval"), ordered by (distance, id).
//
//   database         [quads, words, 4]  codes of items, 32 bits a word, the words of four items side by side:
//                                        database[b, w] holds word w of items 4b to 4b + 3 (the last quad is padded)
//   query            [queries, words]    codes of queries
//   exclude_offsets  [queries + 1]       where each query's list begins in exclude_ids
//   exclude_ids      [excluded]          items never returned for that query, ascending in each list
//   ids              [queries, k]        best first; -1 where fewer than k items are left
//   distances        [queries, k]        bits that differ; -1 beside id -1
//   scratch          [queries rounded up to whole workgroups, bits + 1]  counters, side by side in a workgroup
//
// This variant: one invocation a query, no barrier and no atomic, for drivers that run shaders on the CPU and for very
// many queries. It meets the items in order of id, twice: first it counts them by distance, only those within the
// distance of the k-th best so far, then it writes each to the next place of its distance: a stable counting sort.
// Cost: 2 · count · words popcounts a query, and memory traffic only for items near the best k. Hazard: a query's
// time grows with count, so that the host limits the pairs of one dispatch.

#import grid

override WORKGROUP: u32 = 64;
// 1 where codes have more than 32 bits.
override WIDE: u32 = 1;

struct Parameters {
  queries: u32,
  count: u32,
  k: u32,
  bits: u32,
}

@group(0) @binding(0) var<storage, read> database: array<vec4u>;
@group(0) @binding(1) var<storage, read> query: array<u32>;
@group(0) @binding(2) var<storage, read> exclude_offsets: array<u32>;
@group(0) @binding(3) var<storage, read> exclude_ids: array<u32>;
@group(0) @binding(4) var<storage, read_write> ids: array<i32>;
@group(0) @binding(5) var<storage, read_write> distances: array<i32>;
@group(0) @binding(6) var<storage, read_write> scratch: array<u32>;
@group(0) @binding(7) var<uniform> parameters: Parameters;

// Above every id: the end of an exclusion list.
const NONE = 0xffffffffu;

var<private> row: u32;
// Where the counter of distance d lies: counters + d * WORKGROUP.
var<private> counters: u32;
// Items at this distance or further cannot be among the best k.
var<private> limit: u32;
// Items met closer than `limit`; in the second walk, results written.
var<private> seen: u32;
// The next entry of the exclusion list and its end.
var<private> cursor: u32;
var<private> cursor_end: u32;
var<private> next_excluded: u32;
// The first word of the query, all there is of most codes.
var<private> first_word: u32;

fn distances_to(quad: u32) -> vec4u {
  let words = (parameters.bits + 31u) / 32u;
  let base = quad * words;
  var distance = countOneBits(database[base] ^ vec4u(first_word));
  if (WIDE == 1u) {
    for (var word = 1u; word < words; word += 1u) {
      distance += countOneBits(database[base + word] ^ vec4u(query[row * words + word]));
    }
  }
  return distance;
}

fn rewind() {
  cursor = exclude_offsets[row];
  cursor_end = exclude_offsets[row + 1u];
  next_excluded = NONE;
  if (cursor < cursor_end) {
    next_excluded = exclude_ids[cursor];
  }
}

// The distances of a quad, those of excluded items and of padding beyond every limit. Quads come in ascending order, so
// that the exclusion list is walked once.
fn masked(quad: u32, distance: vec4u) -> vec4u {
  let first = quad * 4u;
  var mask = 15u << min(4u, parameters.count - first);
  while (next_excluded < first + 4u) {
    if (next_excluded >= first) {
      mask |= 1u << (next_excluded - first);
    }
    cursor += 1u;
    next_excluded = NONE;
    if (cursor < cursor_end) {
      next_excluded = exclude_ids[cursor];
    }
  }
  return select(distance, vec4u(NONE), (vec4u(mask) & vec4u(1u, 2u, 4u, 8u)) != vec4u(0u));
}

fn count_item(distance: u32) {
  if (distance < limit) {
    scratch[counters + distance * WORKGROUP] += 1u;
    seen += 1u;
  }
}

// While there are k without the furthest distance, that distance is out of the question from here on.
fn tighten() {
  while (seen >= parameters.k) {
    let furthest = scratch[counters + (limit - 1u) * WORKGROUP];
    if (seen - furthest < parameters.k) {
      break;
    }
    seen -= furthest;
    limit -= 1u;
  }
}

fn write_item(distance: u32, item: u32) {
  if (distance < limit) {
    let counter = counters + distance * WORKGROUP;
    let place = scratch[counter];
    scratch[counter] = place + 1u;
    if (place < parameters.k) {
      ids[row * parameters.k + place] = i32(item);
      distances[row * parameters.k + place] = i32(distance);
      seen += 1u;
    } else {
      // The last places are taken: no further tie is wanted.
      limit -= 1u;
    }
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  row = linear_invocation(group, groups, WORKGROUP, local);
  if (row >= parameters.queries) {
    return;
  }
  let bins = parameters.bits + 1u;
  counters = linear_group(group, groups) * WORKGROUP * bins + local;
  for (var bin = 0u; bin < bins; bin += 1u) {
    scratch[counters + bin * WORKGROUP] = 0u;
  }
  first_word = query[row * ((parameters.bits + 31u) / 32u)];
  let quads = (parameters.count + 3u) / 4u;

  rewind();
  limit = bins;
  seen = 0u;
  var quad = 0u;
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
    tighten();
    quad += 1u;
  }

  let total = min(seen, parameters.k);
  var before = 0u;
  for (var bin = 0u; bin < limit; bin += 1u) {
    let here = scratch[counters + bin * WORKGROUP];
    scratch[counters + bin * WORKGROUP] = before;
    before += here;
  }

  rewind();
  seen = 0u;
  quad = 0u;
  while (seen < total) {
    for (; quad < quads; quad += 1u) {
      distance = distances_to(quad);
      if (any(distance < vec4u(limit))) {
        break;
      }
    }
    distance = masked(quad, distance);
    write_item(distance.x, quad * 4u);
    write_item(distance.y, quad * 4u + 1u);
    write_item(distance.z, quad * 4u + 2u);
    write_item(distance.w, quad * 4u + 3u);
    quad += 1u;
  }
  for (var place = total; place < parameters.k; place += 1u) {
    ids[row * parameters.k + place] = -1;
    distances[row * parameters.k + place] = -1;
  }
}
