// Sorts the positions within each group, so that sums over a group have one order on every run.
//
//   offsets  [keyCount + 1]  where each group begins
//   order    [entries]       positions, group by group; each group ascending afterwards
//
// One invocation a group: insertion for the short groups that sampling makes, heapsort for a hub's long one, so that the
// worst case is count·log(count) steps. Different groups share no entry.

#import grid

override WORKGROUP: u32 = 64;
// Groups up to this long are sorted by insertion.
override SHORT: u32 = 24;

struct Parameters {
  keys: u32,
}

@group(0) @binding(0) var<storage, read> offsets: array<u32>;
@group(0) @binding(1) var<storage, read_write> order: array<u32>;
@group(0) @binding(2) var<uniform> parameters: Parameters;

fn insertion_sort(begin: u32, count: u32) {
  for (var i = 1u; i < count; i++) {
    let value = order[begin + i];
    var place = i;
    while (place > 0u) {
      let before = order[begin + place - 1u];
      if (before <= value) {
        break;
      }
      order[begin + place] = before;
      place--;
    }
    order[begin + place] = value;
  }
}

// Lets the value at `root` sink in the heap of the first `count` entries.
fn sift_down(begin: u32, root: u32, count: u32) {
  let value = order[begin + root];
  var place = root;
  loop {
    var child = 2u * place + 1u;
    if (child >= count) {
      break;
    }
    var largest = order[begin + child];
    if (child + 1u < count) {
      let right = order[begin + child + 1u];
      if (right > largest) {
        child++;
        largest = right;
      }
    }
    if (largest <= value) {
      break;
    }
    order[begin + place] = largest;
    place = child;
  }
  order[begin + place] = value;
}

fn heap_sort(begin: u32, count: u32) {
  for (var root = count / 2u; root > 0u; root--) {
    sift_down(begin, root - 1u, count);
  }
  for (var end = count - 1u; end > 0u; end--) {
    let largest = order[begin];
    order[begin] = order[begin + end];
    order[begin + end] = largest;
    sift_down(begin, 0u, end);
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let key = linear_invocation(group, groups, WORKGROUP, local);
  if (key >= parameters.keys) {
    return;
  }
  let begin = offsets[key];
  let count = offsets[key + 1u] - begin;
  if (count <= SHORT) {
    insertion_sort(begin, count);
  } else {
    heap_sort(begin, count);
  }
}
