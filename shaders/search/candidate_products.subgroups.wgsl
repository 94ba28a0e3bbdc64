// Inner products of each query with its own candidates, the first half of re-ranking in hierarchical search (paper,
// "hierarchical search"): product[q, m] = Σ_k query[q, k] · database[candidate[q, m], k].
//
//   database   [count, width]         embeddings of items `first` and onwards, width a multiple of 4
//   query      [queries, width]       embeddings of queries
//   candidate  [queries, candidates]  ids of items, -1 where there is none
//   product    [queries, candidates]  left as it is where there is no candidate, or one in another buffer
//
// This variant: one subgroup of eight invocations a query, one candidate each at a time; they load 32 elements of the
// query together and hand them round, for drivers that run shaders on the CPU, where a load costs as much for one address
// as for eight. The sum runs over k in ascending order, four at a time. Cost: 2 · width operations a candidate and one
// scattered read of a row of the database.

enable subgroups;

#import grid

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

// Adds the products of four elements; none beyond the end of a row.
fn add(sum: f32, place: u32, end: u32, own: vec4f) -> f32 {
  return select(sum, sum + dot(database[min(place, end - 1u)], own), place < end);
}

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row = linear_group(group, groups);
  if (row >= parameters.queries) {
    return;
  }
  let vectors = parameters.width / 4u;
  for (var entry = 0u; entry < parameters.candidates; entry += 8u) {
    // Lanes without a candidate load with the others. An id of -1 is a number above all items.
    let index = row * parameters.candidates + min(entry + local, parameters.candidates - 1u);
    let item = bitcast<u32>(candidate[index]) - parameters.first;
    let from_item = min(item, parameters.count - 1u) * vectors;
    let end = from_item + vectors;
    var sum = 0.0;
    for (var vector = 0u; vector < vectors; vector += 8u) {
      let own = query[row * vectors + min(vector + local, vectors - 1u)];
      sum = add(sum, from_item + vector, end, subgroupBroadcast(own, 0u));
      sum = add(sum, from_item + vector + 1u, end, subgroupBroadcast(own, 1u));
      sum = add(sum, from_item + vector + 2u, end, subgroupBroadcast(own, 2u));
      sum = add(sum, from_item + vector + 3u, end, subgroupBroadcast(own, 3u));
      sum = add(sum, from_item + vector + 4u, end, subgroupBroadcast(own, 4u));
      sum = add(sum, from_item + vector + 5u, end, subgroupBroadcast(own, 5u));
      sum = add(sum, from_item + vector + 6u, end, subgroupBroadcast(own, 6u));
      sum = add(sum, from_item + vector + 7u, end, subgroupBroadcast(own, 7u));
    }
    if (item < parameters.count && entry + local < parameters.candidates) {
      product[index] = sum;
    }
  }
}
