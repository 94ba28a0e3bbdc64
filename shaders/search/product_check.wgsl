// Whether a ranking made of listed items (search/product_collect) is certainly that of all items: every item that could be
// among the best was listed, which is so where the list was long enough and the last of the ranking is clearly above the
// bound. A product is computed in one order of additions for the list and in another for the ranking, and may differ by
// `slack` between them.
//
//   counts    [queries]         items that were to be listed
//   bound     [queries, ranks]  the last of each row is the bound of the list; the lowest finite f32 where all were listed
//   products  [queries, k]      of the ranking, best first; the lowest finite f32 in missing places
//   unsure    [queries]         0 where the ranking is certain
//
// One invocation a query.

#import grid

override WORKGROUP: u32 = 64;

// The lowest finite f32.
const MISSING_PRODUCT = -0x1.fffffep+127;

struct Parameters {
  queries: u32,
  ranks: u32,
  k: u32,
  capacity: u32,
  slack: f32,
}

@group(0) @binding(0) var<storage, read> counts: array<u32>;
@group(0) @binding(1) var<storage, read> bound: array<f32>;
@group(0) @binding(2) var<storage, read> products: array<f32>;
@group(0) @binding(3) var<storage, read_write> unsure: array<u32>;
@group(0) @binding(4) var<uniform> parameters: Parameters;

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
  let limit = bound[(row + 1u) * parameters.ranks - 1u];
  let worst = products[(row + 1u) * parameters.k - 1u];
  let complete = limit == MISSING_PRODUCT || worst > limit + parameters.slack;
  unsure[row] = select(1u, 0u, complete && counts[row] <= parameters.capacity);
}
