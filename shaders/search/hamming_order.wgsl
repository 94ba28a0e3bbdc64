// The exact ranking of each query from its lists of candidates, ordered by (distance, id): the last part of search by
// Hamming distance (paper, "Hamming space retrieval").
//
//   counts           [rows, chunks]            items in each list; more than capacity where the list was too short
//   candidates       [rows, chunks, capacity]  distance · 2²¹ + place in the chunk; within a chunk equal distances by
//                                              ascending place. Excluded entries are overwritten.
//   exclude_offsets  [queries + 1]             where each query's list begins in exclude_ids
//   exclude_ids      [excluded]                items never returned for that query, ascending in each list
//   bound            [queries or more]         in: the distance from which on items may not be listed; out: 0 where the
//                                              ranking is exact, unchanged where too few items were listed to say so
//   ids              [queries, k]              best first; -1 where fewer than k items are left
//   distances        [queries, k]              bits that differ; -1 beside id -1
//   scratch          [queries rounded up to whole workgroups, bits + 1]  counters, side by side in a workgroup
//
// Item ids are chunk · chunk_items + place. One invocation a query sorts by counting: it counts its candidates by
// distance, then writes each to the next place of its distance, which keeps their order. Cost: two walks of the lists.

#import grid
#import entry

override WORKGROUP: u32 = 64;

struct Parameters {
  queries: u32,
  chunks: u32,
  chunk_items: u32,
  capacity: u32,
  k: u32,
  bits: u32,
}

@group(0) @binding(0) var<storage, read> counts: array<u32>;
@group(0) @binding(1) var<storage, read_write> candidates: array<u32>;
@group(0) @binding(2) var<storage, read> exclude_offsets: array<u32>;
@group(0) @binding(3) var<storage, read> exclude_ids: array<u32>;
@group(0) @binding(4) var<storage, read_write> bound: array<u32>;
@group(0) @binding(5) var<storage, read_write> ids: array<i32>;
@group(0) @binding(6) var<storage, read_write> distances: array<i32>;
@group(0) @binding(7) var<storage, read_write> scratch: array<u32>;
@group(0) @binding(8) var<uniform> parameters: Parameters;

// Stands for an entry that is excluded: no distance is that large.
const EXCLUDED = 0xffffffffu;

var<private> cursor: u32;
var<private> cursor_end: u32;
var<private> cursor_begin: u32;
var<private> last_item: u32;

// Items come in ascending order but for a few steps back, where the walk of the exclusions begins again.
fn is_excluded(item: u32) -> bool {
  if (item < last_item) {
    cursor = cursor_begin;
  }
  last_item = item;
  while (cursor < cursor_end && exclude_ids[cursor] < item) {
    cursor += 1u;
  }
  return cursor < cursor_end && exclude_ids[cursor] == item;
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row = linear_invocation(group, groups, WORKGROUP, local);
  if (row >= parameters.queries) {
    return;
  }
  // Nothing is listed from the bound on.
  let bins = min(parameters.bits + 1u, bound[row]);
  let k = parameters.k;
  let counters = linear_group(group, groups) * WORKGROUP * (parameters.bits + 1u) + local;
  for (var bin = 0u; bin < bins; bin += 1u) {
    scratch[counters + bin * WORKGROUP] = 0u;
  }
  cursor_begin = exclude_offsets[row];
  cursor_end = exclude_offsets[row + 1u];
  cursor = cursor_begin;
  last_item = 0u;
  let excluding = cursor_begin < cursor_end;

  var kept = 0u;
  var complete = true;
  for (var chunk = 0u; chunk < parameters.chunks; chunk += 1u) {
    let list = row * parameters.chunks + chunk;
    let listed = counts[list];
    complete &= listed <= parameters.capacity;
    let end = list * parameters.capacity + min(listed, parameters.capacity);
    for (var at = list * parameters.capacity; at < end; at += 1u) {
      let entry = candidates[at];
      if (excluding) {
        if (is_excluded(chunk * parameters.chunk_items + entry_place(entry))) {
          candidates[at] = EXCLUDED;
          continue;
        }
      }
      scratch[counters + entry_distance(entry) * WORKGROUP] += 1u;
      kept += 1u;
    }
  }

  var before = 0u;
  for (var bin = 0u; bin < bins; bin += 1u) {
    let here = scratch[counters + bin * WORKGROUP];
    scratch[counters + bin * WORKGROUP] = before;
    before += here;
  }

  for (var chunk = 0u; chunk < parameters.chunks; chunk += 1u) {
    let list = row * parameters.chunks + chunk;
    let end = list * parameters.capacity + min(counts[list], parameters.capacity);
    for (var at = list * parameters.capacity; at < end; at += 1u) {
      let entry = candidates[at];
      if (entry == EXCLUDED) {
        continue;
      }
      let distance = entry_distance(entry);
      let place = scratch[counters + distance * WORKGROUP];
      scratch[counters + distance * WORKGROUP] = place + 1u;
      if (place < k) {
        ids[row * k + place] = i32(chunk * parameters.chunk_items + entry_place(entry));
        distances[row * k + place] = i32(distance);
      }
    }
  }
  for (var place = kept; place < k; place += 1u) {
    ids[row * k + place] = -1;
    distances[row * k + place] = -1;
  }
  // With all items admitted there may be fewer than k; otherwise fewer say that the bound was too low.
  if (complete && (kept >= k || bound[row] > parameters.bits)) {
    bound[row] = 0u;
  }
}
