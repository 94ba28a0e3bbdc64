// How many bytes a second an adapter can read in rows from random places, as aggregation over a graph and re-ranking do.
// It measures and computes nothing that anybody needs.
//
//   table     [rows, quads, 4]   words
//   indices   [count, each]      rows of the table
//   gathered  [count, quads, 4]  sums modulo 2³² of each entry's rows, element by element
//
// One invocation four columns of an entry. Where ADJACENT is 1 neighbouring invocations take neighbouring columns, and read
// the same rows side by side; else neighbouring entries, each with rows of its own. Memory bound: 16 bytes read of the
// table for every 4 of the indices, and 16 written after `each` of them; one addition a word.

#import grid

override WORKGROUP: u32 = 64;
override ADJACENT: u32 = 1;

struct Parameters {
  count: u32,
  quads: u32,
  each: u32,
}

@group(0) @binding(0) var<storage, read> table: array<vec4u>;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read_write> gathered: array<vec4u>;
@group(0) @binding(3) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_invocation(group, groups, WORKGROUP, local);
  if (index >= parameters.count * parameters.quads) {
    return;
  }
  let adjacent = ADJACENT == 1u;
  let entry = select(index % parameters.count, index / parameters.quads, adjacent);
  let column = select(index / parameters.count, index % parameters.quads, adjacent);
  var sum = vec4u(0u);
  for (var place = 0u; place < parameters.each; place += 1u) {
    sum += table[indices[entry * parameters.each + place] * parameters.quads + column];
  }
  gathered[entry * parameters.quads + column] = sum;
}
