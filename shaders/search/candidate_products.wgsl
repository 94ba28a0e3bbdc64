// Inner products of each query with its own candidates, the first half of re-ranking in hierarchical search (paper,
// "hierarchical search"): product[q, m] = Σ_k query[q, k] · database[candidate[q, m], k].
//
//   database   [count, width]         embeddings of items `first` and onwards, width a multiple of 4
//   query      [queries, width]       embeddings of queries
//   candidate  [queries, candidates]  ids of items, -1 where there is none
//   product    [queries, candidates]  left as it is where there is no candidate, or one in another buffer
//
// One invocation a candidate; the sum runs over k in ascending order, four at a time. Cost: 2 · width operations and
// as many scattered reads of a row of the database.

#import grid

override WORKGROUP: u32 = 64;

struct Parameters {
  queries: u32,
  candidates: u32,
  width: u32,
  first: u32,
  count: u32,
}

@group(0) @binding(0) var<storage, read> database: array<vec4f>;
@group(0) @binding(1) var<storage, read> query: array<vec4f>;
@group(0) @binding(2) var<storage, read> candidate: array<i32>;
@group(0) @binding(3) var<storage, read_write> product: array<f32>;
@group(0) @binding(4) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_invocation(group, groups, WORKGROUP, local);
  if (index >= parameters.queries * parameters.candidates) {
    return;
  }
  let vectors = parameters.width / 4u;
  // Without a candidate, -1 is a number above all items.
  let item = bitcast<u32>(candidate[index]) - parameters.first;
  if (item >= parameters.count) {
    return;
  }
  var sum = 0.0;
  let from_item = item * vectors;
  let from_query = (index / parameters.candidates) * vectors;
  for (var vector = 0u; vector < vectors; vector += 1u) {
    sum += dot(database[from_item + vector], query[from_query + vector]);
  }
  product[index] = sum;
}
