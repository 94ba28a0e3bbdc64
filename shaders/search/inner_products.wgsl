// Inner products of some queries with all items, for exhaustive search in continuous space:
// score[q, n] = Σ_k query[q, k] · database[n, k].
//
//   database  [count, width]    embeddings of items, width a multiple of 4
//   query     [queries, width]  embeddings of queries
//   score     [queries, ceil(count / 4) · 4]  products; what lies beyond `count` means nothing
//
// One invocation computes four items times four queries in registers; the invocations of a workgroup are neighbours in
// items. Each sum runs over k in ascending order, four at a time. Cost: 2 · queries · count · width operations; each
// invocation loads eight vectors for sixteen dot products.

#import grid

override WORKGROUP: u32 = 64;

struct Parameters {
  queries: u32,
  count: u32,
  width: u32,
}

@group(0) @binding(0) var<storage, read> database: array<vec4f>;
@group(0) @binding(1) var<storage, read> query: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> score: array<vec4f>;
@group(0) @binding(3) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let quads = (parameters.count + 3u) / 4u;
  let groups_a_row = (quads + WORKGROUP - 1u) / WORKGROUP;
  let number = linear_group(group, groups);
  let row = (number / groups_a_row) * 4u;
  let quad = (number % groups_a_row) * WORKGROUP + local;
  if (row >= parameters.queries || quad >= quads) {
    return;
  }
  let vectors = parameters.width / 4u;
  // Rows and items beyond the end repeat the last one; their products are not used.
  let last_item = parameters.count - 1u;
  let last_row = parameters.queries - 1u;
  let item0 = quad * 4u * vectors;
  let item1 = min(quad * 4u + 1u, last_item) * vectors;
  let item2 = min(quad * 4u + 2u, last_item) * vectors;
  let item3 = min(quad * 4u + 3u, last_item) * vectors;
  let query0 = row * vectors;
  let query1 = min(row + 1u, last_row) * vectors;
  let query2 = min(row + 2u, last_row) * vectors;
  let query3 = min(row + 3u, last_row) * vectors;
  var sum0 = vec4f(0.0);
  var sum1 = vec4f(0.0);
  var sum2 = vec4f(0.0);
  var sum3 = vec4f(0.0);
  for (var vector = 0u; vector < vectors; vector += 1u) {
    let a = database[item0 + vector];
    let b = database[item1 + vector];
    let c = database[item2 + vector];
    let d = database[item3 + vector];
    let q0 = query[query0 + vector];
    sum0 += vec4f(dot(a, q0), dot(b, q0), dot(c, q0), dot(d, q0));
    let q1 = query[query1 + vector];
    sum1 += vec4f(dot(a, q1), dot(b, q1), dot(c, q1), dot(d, q1));
    let q2 = query[query2 + vector];
    sum2 += vec4f(dot(a, q2), dot(b, q2), dot(c, q2), dot(d, q2));
    let q3 = query[query3 + vector];
    sum3 += vec4f(dot(a, q3), dot(b, q3), dot(c, q3), dot(d, q3));
  }
  score[row * quads + quad] = sum0;
  if (row + 1u < parameters.queries) {
    score[(row + 1u) * quads + quad] = sum1;
  }
  if (row + 2u < parameters.queries) {
    score[(row + 2u) * quads + quad] = sum2;
  }
  if (row + 3u < parameters.queries) {
    score[(row + 3u) * quads + quad] = sum3;
  }
}
