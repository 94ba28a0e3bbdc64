// Inner products of some queries with all items, as search/inner_products, for drivers that run shaders on the CPU,
// eight lanes at a time: there loading is dear, and handing a value round in a subgroup is cheap.
//
//   score[q, n] = Σ_k query[q, k] · database[n, k]
//
//   database  [count, width]    embeddings of items, width a multiple of 4
//   query     [queries, width]  embeddings of queries
//   score     [queries, ceil(count / 4) · 4]  products; what lies beyond `count` means nothing
//
// One workgroup is one subgroup of eight lanes and computes 32 items times 8 queries: lane l the items 4l to 4l + 3.
// Each lane loads one of the 8 queries and the lanes broadcast them. Each sum runs over k in order, four at a time.
// Cost: 2 · queries · count · width operations; each lane loads five vectors for 32 dot products. Needs subgroups of
// eight lanes or more.

enable subgroups;
#import grid

struct Parameters {
  queries: u32,
  count: u32,
  width: u32,
}

@group(0) @binding(0) var<storage, read> database: array<vec4f>;
@group(0) @binding(1) var<storage, read> query: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> score: array<vec4f>;
@group(0) @binding(3) var<uniform> parameters: Parameters;

// One by one, so that a product is that of search/candidate_products to the last bit.
fn dots(own: vec4f, items: mat4x4f) -> vec4f {
  return vec4f(dot(items[0], own), dot(items[1], own), dot(items[2], own), dot(items[3], own));
}

fn store(row: u32, quad: u32, quads: u32, sum: vec4f) {
  if (row < parameters.queries && quad < quads) {
    score[row * quads + quad] = sum;
  }
}

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let quads = (parameters.count + 3u) / 4u;
  let groups_a_row = (quads + 7u) / 8u;
  let number = linear_group(group, groups);
  let row = (number / groups_a_row) * 8u;
  if (row >= parameters.queries) {
    return;
  }
  let quad = (number % groups_a_row) * 8u + lane;
  let vectors = parameters.width / 4u;
  // Rows and items beyond the end repeat the last one; their products are not used.
  let last_item = parameters.count - 1u;
  let item0 = min(quad * 4u, last_item) * vectors;
  let item1 = min(quad * 4u + 1u, last_item) * vectors;
  let item2 = min(quad * 4u + 2u, last_item) * vectors;
  let item3 = min(quad * 4u + 3u, last_item) * vectors;
  let own_query = min(row + lane, parameters.queries - 1u) * vectors;
  var sum0 = vec4f(0.0);
  var sum1 = vec4f(0.0);
  var sum2 = vec4f(0.0);
  var sum3 = vec4f(0.0);
  var sum4 = vec4f(0.0);
  var sum5 = vec4f(0.0);
  var sum6 = vec4f(0.0);
  var sum7 = vec4f(0.0);
  for (var vector = 0u; vector < vectors; vector += 1u) {
    let items = mat4x4f(
      database[item0 + vector],
      database[item1 + vector],
      database[item2 + vector],
      database[item3 + vector],
    );
    let own = query[own_query + vector];
    sum0 += dots(subgroupBroadcast(own, 0u), items);
    sum1 += dots(subgroupBroadcast(own, 1u), items);
    sum2 += dots(subgroupBroadcast(own, 2u), items);
    sum3 += dots(subgroupBroadcast(own, 3u), items);
    sum4 += dots(subgroupBroadcast(own, 4u), items);
    sum5 += dots(subgroupBroadcast(own, 5u), items);
    sum6 += dots(subgroupBroadcast(own, 6u), items);
    sum7 += dots(subgroupBroadcast(own, 7u), items);
  }
  store(row, quad, quads, sum0);
  store(row + 1u, quad, quads, sum1);
  store(row + 2u, quad, quads, sum2);
  store(row + 3u, quad, quads, sum3);
  store(row + 4u, quad, quads, sum4);
  store(row + 5u, quad, quads, sum5);
  store(row + 6u, quad, quads, sum6);
  store(row + 7u, quad, quads, sum7);
}
