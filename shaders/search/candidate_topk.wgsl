// The best k of each query's candidates, ordered by (product descending, id ascending), the second half of re-ranking
// in hierarchical search (paper, "hierarchical search").
//
//   candidate  [queries, candidates]     ids of items, in any order, none twice, -1 where there is none
//   product    [queries, candidates]     their inner products with the query
//   ids        [queries, k]              best first; -1 where there are fewer than k candidates
//   products   [queries, k]              products of ids; the lowest finite f32 beside id -1
//   scratch    [queries, candidates, 2]  keys and ids while they are sorted
//
// This variant: one workgroup a query sorts all candidates by integer keys that order as the products do, in a bitonic
// network. Cost: candidates · log²(candidates) comparisons. Hazard: every lane reaches every barrier, since all loop
// bounds are uniform.

#import grid
#import topk_sort

override WORKGROUP: u32 = 256;

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
  let row = linear_group(group, groups);
  if (row >= parameters.queries) {
    return;
  }
  let k = parameters.k;
  let base = row * parameters.candidates;
  for (var entry = local; entry < parameters.candidates; entry += WORKGROUP) {
    // As an unsigned number, -1 comes after every id, and the key beside it after every key.
    let id = bitcast<u32>(candidate[base + entry]);
    scratch[(base + entry) * 2u] = select(key_of(product[base + entry]), 0xffffffffu, id == 0xffffffffu);
    scratch[(base + entry) * 2u + 1u] = id;
  }
  sort_pairs(base, parameters.candidates, local);
  for (var place = local; place < k; place += WORKGROUP) {
    var id = -1;
    var best = MISSING_PRODUCT;
    if (place < parameters.candidates) {
      id = bitcast<i32>(scratch[(base + place) * 2u + 1u]);
      if (id >= 0) {
        best = product_of(scratch[(base + place) * 2u]);
      }
    }
    ids[row * k + place] = id;
    products[row * k + place] = best;
  }
}
