// The exact k nearest codes by Hamming distance (paper, "Hamming space retrieval"), ordered by (distance, id).
//
//   database         [quads, words, 4]  codes of items, 32 bits a word, the words of four items side by side:
//                                        database[b, w] holds word w of items 4b to 4b + 3 (the last quad is padded)
//   query            [queries, words]    codes of queries
//   exclude_offsets  [queries + 1]       where each query's list begins in exclude_ids
//   exclude_ids      [excluded]          items never returned for that query, ascending in each list
//   ids              [queries, k]        best first; -1 where fewer than k items are left
//   distances        [queries, k]        bits that differ; -1 beside id -1
//   scratch          [queries, k, 2]     distance and id of the chosen items, in order of id
//
// This variant: one workgroup a query. (1) The lanes walk the quads and count items by distance in shared integer
// atomics, whose sum does not depend on order, and the excluded items are taken off again. (2) One lane finds the
// distance t of the k-th item and where each distance begins in the result. (3) The lanes walk the quads again and
// append the items closer than t and the first ties at t: the place of an item is the number of chosen items with a
// smaller id, counted in bit masks. (4) Each lane serves some distances and copies their items, in order of id.
// Cost: 2 · count · words popcounts a query and k · ceil((bits + 1) / WORKGROUP) reads. Hazard: every lane reaches
// every barrier, since all loop bounds are uniform.

#import grid

override WORKGROUP: u32 = 256;
// Distances from 0 to that of the widest code.
const BINS = 1025u;
// One bit for each of the four items of each lane's quad.
override MASKS: u32 = (WORKGROUP + 7u) / 8u;

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

// Items by distance; after step 2, the place of each distance's first item.
var<workgroup> histogram: array<atomic<u32>, BINS>;
var<workgroup> closer: array<atomic<u32>, MASKS>;
var<workgroup> tied: array<atomic<u32>, MASKS>;
var<workgroup> threshold: u32;
var<workgroup> found: u32;

fn distances_to(quad: u32, row: u32) -> vec4u {
  var distance = vec4u(0u);
  let words = (parameters.bits + 31u) / 32u;
  for (var word = 0u; word < words; word += 1u) {
    distance += countOneBits(database[quad * words + word] ^ vec4u(query[row * words + word]));
  }
  return distance;
}

fn is_excluded(item: u32, begin: u32, end: u32) -> bool {
  var low = begin;
  var high = end;
  while (low < high) {
    let middle = (low + high) / 2u;
    if (exclude_ids[middle] < item) {
      low = middle + 1u;
    } else {
      high = middle;
    }
  }
  return low < end && exclude_ids[low] == item;
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row = linear_group(group, groups);
  if (row >= parameters.queries) {
    return;
  }
  let count = parameters.count;
  let k = parameters.k;
  let quads = (count + 3u) / 4u;
  let begin = exclude_offsets[row];
  let end = exclude_offsets[row + 1u];

  for (var quad = local; quad < quads; quad += WORKGROUP) {
    let distance = distances_to(quad, row);
    for (var i = 0u; i < min(4u, count - quad * 4u); i += 1u) {
      atomicAdd(&histogram[distance[i]], 1u);
    }
  }
  for (var entry = begin + local; entry < end; entry += WORKGROUP) {
    let item = exclude_ids[entry];
    if (entry == begin || exclude_ids[entry - 1u] != item) {
      let distance = distances_to(item / 4u, row);
      atomicSub(&histogram[distance[item % 4u]], 1u);
    }
  }
  workgroupBarrier();

  if (local == 0u) {
    var before = 0u;
    var limit = parameters.bits;
    for (var distance = 0u; distance <= parameters.bits; distance += 1u) {
      let here = atomicLoad(&histogram[distance]);
      atomicStore(&histogram[distance], before);
      if (before < k && before + here >= k) {
        limit = distance;
      }
      before += here;
    }
    threshold = limit;
    found = min(before, k);
  }
  workgroupBarrier();
  let limit = threshold;
  let total = found;
  let first_tie = atomicLoad(&histogram[limit]);
  let ties = total - min(total, first_tie);

  // Closer items and ties seen in the chunks before; the same number in every lane.
  var closer_before = 0u;
  var tied_before = 0u;
  for (var chunk = 0u; chunk < quads; chunk += WORKGROUP) {
    for (var mask = local; mask < MASKS; mask += WORKGROUP) {
      atomicStore(&closer[mask], 0u);
      atomicStore(&tied[mask], 0u);
    }
    workgroupBarrier();
    let quad = chunk + local;
    let shift = (local % 8u) * 4u;
    var distance = vec4u(BINS);
    if (quad < quads) {
      distance = distances_to(quad, row);
      for (var i = 0u; i < min(4u, count - quad * 4u); i += 1u) {
        if (distance[i] <= limit && !is_excluded(quad * 4u + i, begin, end)) {
          if (distance[i] < limit) {
            atomicOr(&closer[local / 8u], 1u << (shift + i));
          } else {
            atomicOr(&tied[local / 8u], 1u << (shift + i));
          }
        }
      }
    }
    workgroupBarrier();
    let own = local / 8u;
    var closer_rank = closer_before;
    var tied_rank = tied_before;
    // Only the masks in use.
    let masks = min(MASKS, (quads - chunk + 7u) / 8u);
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
      for (var i = 0u; i < min(4u, count - quad * 4u); i += 1u) {
        let is_closer = ((closer_mask >> (shift + i)) & 1u) == 1u;
        let is_tied = ((tied_mask >> (shift + i)) & 1u) == 1u;
        if (is_closer || (is_tied && tied_rank < ties)) {
          let place = (row * k + closer_rank + min(tied_rank, ties)) * 2u;
          scratch[place] = distance[i];
          scratch[place + 1u] = quad * 4u + i;
        }
        closer_rank += u32(is_closer);
        tied_rank += u32(is_tied);
      }
    }
    workgroupBarrier();
  }
  storageBarrier();
  workgroupBarrier();

  for (var distance = local; distance <= limit; distance += WORKGROUP) {
    var place = atomicLoad(&histogram[distance]);
    for (var entry = 0u; entry < total; entry += 1u) {
      let chosen = (row * k + entry) * 2u;
      if (scratch[chosen] == distance) {
        ids[row * k + place] = i32(scratch[chosen + 1u]);
        distances[row * k + place] = i32(distance);
        place += 1u;
      }
    }
  }
  for (var place = total + local; place < k; place += WORKGROUP) {
    ids[row * k + place] = -1;
    distances[row * k + place] = -1;
  }
}
