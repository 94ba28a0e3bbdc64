// The exact best k items of each row of scores, ordered by (score descending, id ascending), for exhaustive search in
// continuous space; the companion of search/inner_products.
//
//   score            [queries, stride]  products, stride >= count
//   exclude_offsets  [queries + 1]      where each query's list begins in exclude_ids
//   exclude_ids      [excluded]         items never returned for that query, ascending in each list
//   ids              [queries, k]       best first; -1 where fewer than k items are left
//   products         [queries, k]       scores of ids; the lowest finite f32 beside id -1
//   scratch          [queries, k, 2]    keys and ids of the chosen items
//
// This variant: one workgroup a query. Scores become integer keys that order as they do. Four rounds of counting by
// eight bits of the key (a radix selection, shared integer atomics) find the key of the k-th best; the lanes then
// append the better items and the first ties in order of id, their places counted in bit masks, and a bitonic network
// sorts the chosen. Cost: five readings of the row and k · log²(k) comparisons. Hazard: every lane reaches every
// barrier, since all loop bounds are uniform.

#import grid
#import topk_sort

override WORKGROUP: u32 = 256;
override MASKS: u32 = (WORKGROUP + 31u) / 32u;

struct Parameters {
  queries: u32,
  count: u32,
  stride: u32,
  k: u32,
}

@group(0) @binding(0) var<storage, read> score: array<f32>;
@group(0) @binding(1) var<storage, read> exclude_offsets: array<u32>;
@group(0) @binding(2) var<storage, read> exclude_ids: array<u32>;
@group(0) @binding(3) var<storage, read_write> ids: array<i32>;
@group(0) @binding(4) var<storage, read_write> products: array<f32>;
@group(0) @binding(5) var<storage, read_write> scratch: array<u32>;
@group(0) @binding(6) var<uniform> parameters: Parameters;

var<workgroup> histogram: array<atomic<u32>, 256>;
var<workgroup> better: array<atomic<u32>, MASKS>;
var<workgroup> tied: array<atomic<u32>, MASKS>;
// The high bits of the k-th best key as far as they are known, and how many items are better for certain.
var<workgroup> prefix: u32;
var<workgroup> certain: u32;
var<workgroup> left: u32;

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

// Whether a key agrees with the known prefix above bit `shift + 8`.
fn agrees(key: u32, known: u32, shift: u32) -> bool {
  // A shift by 32 is none in WGSL, hence two of them.
  return ((key >> shift) >> 8u) == ((known >> shift) >> 8u);
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
  let base = row * parameters.stride;
  let begin = exclude_offsets[row];
  let end = exclude_offsets[row + 1u];

  if (local == 0u) {
    prefix = 0u;
    certain = 0u;
  }
  for (var round = 0u; round < 4u; round += 1u) {
    let shift = 24u - 8u * round;
    for (var bin = local; bin < 256u; bin += WORKGROUP) {
      atomicStore(&histogram[bin], 0u);
    }
    workgroupBarrier();
    let known = workgroupUniformLoad(&prefix);
    for (var item = local; item < count; item += WORKGROUP) {
      let key = key_of(score[base + item]);
      if (agrees(key, known, shift)) {
        atomicAdd(&histogram[(key >> shift) & 255u], 1u);
      }
    }
    for (var entry = begin + local; entry < end; entry += WORKGROUP) {
      let item = exclude_ids[entry];
      if (entry == begin || exclude_ids[entry - 1u] != item) {
        let key = key_of(score[base + item]);
        if (agrees(key, known, shift)) {
          atomicSub(&histogram[(key >> shift) & 255u], 1u);
        }
      }
    }
    workgroupBarrier();
    if (local == 0u) {
      var before = certain;
      var bin = 0u;
      for (; bin < 255u; bin += 1u) {
        let here = atomicLoad(&histogram[bin]);
        if (before + here >= k) {
          break;
        }
        before += here;
      }
      // Fewer than k items are left: the last key of all takes every one of them in.
      prefix = known | (bin << shift);
      certain = before;
      left = before + atomicLoad(&histogram[bin]);
    }
    workgroupBarrier();
  }
  let limit = workgroupUniformLoad(&prefix);
  let sure = workgroupUniformLoad(&certain);
  let ties = min(k, workgroupUniformLoad(&left)) - sure;
  let total = sure + ties;

  // Better items and ties seen in the chunks before; the same number in every lane.
  var better_before = 0u;
  var tied_before = 0u;
  for (var chunk = 0u; chunk < count; chunk += WORKGROUP) {
    for (var mask = local; mask < MASKS; mask += WORKGROUP) {
      atomicStore(&better[mask], 0u);
      atomicStore(&tied[mask], 0u);
    }
    workgroupBarrier();
    let item = chunk + local;
    var key = 0xffffffffu;
    if (item < count) {
      key = key_of(score[base + item]);
      if (key <= limit && !is_excluded(item, begin, end)) {
        if (key < limit) {
          atomicOr(&better[local / 32u], 1u << (local % 32u));
        } else {
          atomicOr(&tied[local / 32u], 1u << (local % 32u));
        }
      }
    }
    workgroupBarrier();
    var better_rank = better_before;
    var tied_rank = tied_before;
    let own = local / 32u;
    let masks = min(MASKS, (count - chunk + 31u) / 32u);
    for (var mask = 0u; mask < masks; mask += 1u) {
      let better_bits = countOneBits(atomicLoad(&better[mask]));
      let tied_bits = countOneBits(atomicLoad(&tied[mask]));
      better_before += better_bits;
      tied_before += tied_bits;
      better_rank += select(0u, better_bits, mask < own);
      tied_rank += select(0u, tied_bits, mask < own);
    }
    let better_mask = atomicLoad(&better[own]);
    let tied_mask = atomicLoad(&tied[own]);
    let earlier = (1u << (local % 32u)) - 1u;
    better_rank += countOneBits(better_mask & earlier);
    tied_rank += countOneBits(tied_mask & earlier);
    let is_better = ((better_mask >> (local % 32u)) & 1u) == 1u;
    let is_tied = ((tied_mask >> (local % 32u)) & 1u) == 1u;
    if (is_better || (is_tied && tied_rank < ties)) {
      let place = (row * k + better_rank + min(tied_rank, ties)) * 2u;
      scratch[place] = key;
      scratch[place + 1u] = item;
    }
    workgroupBarrier();
  }

  sort_pairs(row * k, total, local);
  for (var place = local; place < k; place += WORKGROUP) {
    if (place < total) {
      ids[row * k + place] = i32(scratch[(row * k + place) * 2u + 1u]);
      products[row * k + place] = product_of(scratch[(row * k + place) * 2u]);
    } else {
      ids[row * k + place] = -1;
      products[row * k + place] = MISSING_PRODUCT;
    }
  }
}
