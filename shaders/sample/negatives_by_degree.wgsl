// Negatives drawn with chances in proportion to given weights, whatever edges they have: degree^0.75 in LINE and PTE
// (Tang et al., WWW 2015; KDD 2015).
//
//   state       [4]              state[0] = step
//   cumulative  [count]          chance that the number drawn is i or less, of 2^32; the last one is 0xffffffff
//   pairs       [batch, stride]  columns 2 and up of rows first_row to first_row + batch - 1 are written: first_node + i
//
// One invocation a negative: the first i whose cumulative chance is not below the drawn word, by binary search. Rows draw
// independently of each other in all groups of rows, since the draw is that of the place in `pairs`.

#import grid
#import random

override WORKGROUP: u32 = 64;

struct Parameters {
  first_row: u32,
  batch: u32,
  stride: u32,
  first_node: u32,
  count: u32,
  seed: u32,
}

@group(0) @binding(0) var<storage, read> state: array<u32>;
@group(0) @binding(1) var<storage, read> cumulative: array<u32>;
@group(0) @binding(2) var<storage, read_write> pairs: array<u32>;
@group(0) @binding(3) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_invocation(group, groups, WORKGROUP, local);
  let slots = parameters.stride - 2u;
  if (index >= parameters.batch * slots) {
    return;
  }
  let at = (parameters.first_row + index / slots) * parameters.stride + 2u + index % slots;
  let word = random4(parameters.seed, PURPOSE_NEGATIVES, state[0], at).x;
  var low = 0u;
  var high = parameters.count - 1u;
  while (low < high) {
    let middle = (low + high) / 2u;
    if (cumulative[middle] < word) {
      low = middle + 1u;
    } else {
      high = middle;
    }
  }
  pairs[at] = parameters.first_node + low;
}
