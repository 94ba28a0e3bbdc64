// The best k of each query's candidates, ordered by (product descending, id ascending), the second half of re-ranking
// in hierarchical search (paper, "hierarchical search").
//
//   candidate  [queries, candidates]  ids of items, in any order, none twice, -1 where there is none
//   product    [queries, candidates]  their inner products with the query
//   ids        [queries, k]           best first; -1 where there are fewer than k candidates
//   products   [queries, k]           products of ids; the lowest finite f32 beside id -1
//   scratch    unused by this variant
//
// This variant: one invocation a query keeps the best in a heap in the results themselves, without barriers, for
// drivers that run shaders on the CPU. Cost: candidates · log(k) at worst.

#import grid
#import topk_heap

override WORKGROUP: u32 = 64;

struct Parameters {
  queries: u32,
  candidates: u32,
  k: u32,
}

@group(0) @binding(0) var<storage, read> candidate: array<i32>;
@group(0) @binding(1) var<storage, read> product: array<f32>;
@group(0) @binding(2) var<storage, read_write> ids: array<i32>;
@group(0) @binding(3) var<storage, read_write> products: array<f32>;
@group(0) @binding(4) var<storage, read_write> scratch: array<u32>;
@group(0) @binding(5) var<uniform> parameters: Parameters;

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
  let base = row * parameters.candidates;
  heap_open(row * parameters.k, parameters.k);
  var entry = 0u;
  loop {
    // Each lane runs ahead to its next improvement, so that the lanes of a vector then work on theirs together.
    var id = -1;
    var best = 0.0;
    for (; entry < parameters.candidates; entry += 1u) {
      id = candidate[base + entry];
      best = product[base + entry];
      if (id >= 0 && is_worse(heap_worst, heap_worst_id, best, id)) {
        break;
      }
    }
    if (entry >= parameters.candidates) {
      break;
    }
    heap_offer(best, id);
    entry += 1u;
  }
  heap_close();
}
