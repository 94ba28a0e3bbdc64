// The exact best k items of each row of scores, ordered by (score descending, id ascending), for exhaustive search in
// continuous space; the companion of search/inner_products.
//
//   score            [queries, stride]  products, stride >= count
//   exclude_offsets  [queries + 1]      where each query's list begins in exclude_ids
//   exclude_ids      [excluded]         items never returned for that query, ascending in each list
//   ids              [queries, k]       best first; -1 where fewer than k items are left
//   products         [queries, k]       scores of ids; the lowest finite f32 beside id -1
//   scratch          unused by this variant
//
// This variant: one invocation a query, no barrier and no atomic, for drivers that run shaders on the CPU. The best so
// far lie in a heap in the results themselves; most items are only compared with the worst of them. Cost: one reading
// of the row, and for each of the about k · (1 + ln(count / k)) improvements log(k) moves; count · log(k) at worst.

#import grid
#import topk_heap

override WORKGROUP: u32 = 64;

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
  let base = row * parameters.stride;
  let end = exclude_offsets[row + 1u];
  var cursor = exclude_offsets[row];
  heap_open(row * parameters.k, parameters.k);
  var item = 0u;
  loop {
    // Each lane runs ahead to its next improvement, so that the lanes of a vector then work on theirs together. A later
    // item never displaces an equal one: ids ascend.
    var product = 0.0;
    for (; item < parameters.count; item += 1u) {
      product = score[base + item];
      if (product > heap_worst) {
        break;
      }
    }
    if (item >= parameters.count) {
      break;
    }
    while (cursor < end && exclude_ids[cursor] < item) {
      cursor += 1u;
    }
    if (cursor == end || exclude_ids[cursor] != item) {
      heap_offer(product, i32(item));
    }
    item += 1u;
  }
  heap_close();
}
