// Which places of each ranking hold one of the user's test items: all that HR, hit and NDCG at any cut-off depend on,
// so that the metrics themselves are summed exactly by the host (src/search/metrics.ts).
//
//   ids           [queries, k]                 rankings, best first, -1 where a place is missing
//   test_offsets  [queries + 1]                where each user's list begins in test_items
//   test_items    [entries]                    test items, ascending in each list
//   hits          [queries, ceil(k / 32)]      bit j of word w: place 32w + j holds a test item
//
// One invocation a word: 32 binary searches. Words are written whole and once, so that nothing depends on order.

#import grid

override WORKGROUP: u32 = 64;

struct Parameters {
  queries: u32,
  k: u32,
}

@group(0) @binding(0) var<storage, read> ids: array<i32>;
@group(0) @binding(1) var<storage, read> test_offsets: array<u32>;
@group(0) @binding(2) var<storage, read> test_items: array<u32>;
@group(0) @binding(3) var<storage, read_write> hits: array<u32>;
@group(0) @binding(4) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_invocation(group, groups, WORKGROUP, local);
  let words = (parameters.k + 31u) / 32u;
  if (index >= parameters.queries * words) {
    return;
  }
  let row = index / words;
  let first = (index % words) * 32u;
  let begin = test_offsets[row];
  let end = test_offsets[row + 1u];
  var bits = 0u;
  for (var place = first; place < min(first + 32u, parameters.k); place += 1u) {
    let id = ids[row * parameters.k + place];
    var low = begin;
    var high = end;
    while (low < high) {
      let middle = (low + high) / 2u;
      if (i32(test_items[middle]) < id) {
        low = middle + 1u;
      } else {
        high = middle;
      }
    }
    if (low < end && i32(test_items[low]) == id) {
      bits |= 1u << (place - first);
    }
  }
  hits[index] = bits;
}
