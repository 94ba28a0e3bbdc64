// An estimate, for each query, of a Hamming distance below which it has enough items: the smallest distance below which a
// sample of the database has a given number. search/hamming_collect lists what is closer.
//
//   slices        [blocks, words, 32]  codes of the sample in bit slices, as for search/hamming_collect
//   query         [words, groups, 4]   word w of queries 4g to 4g + 3; groups = ceil(queries / 4)
//   target_count  [groups, 4]          items of the sample that shall be closer
//   bound         [groups, 4]          bits + 1 where the sample has not that many; 0 beyond the last query
//
// One invocation a group of four queries. Cost: log4(bits + 1) walks of the sample. `count` is the number of items in it.

#import grid
#import slices_direct
#import bound

override WORKGROUP: u32 = 64;
override WORDS: u32 = 1;
override LEVELS: u32 = 6;

struct Parameters {
  queries: u32,
  count: u32,
  bits: u32,
}

@group(0) @binding(0) var<storage, read> slices: array<vec4u>;
@group(0) @binding(1) var<storage, read> query: array<vec4u>;
@group(0) @binding(2) var<storage, read> target_count: array<vec4u>;
@group(0) @binding(3) var<storage, read_write> bound: array<vec4u>;
@group(0) @binding(4) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_invocation(group, groups, WORKGROUP, local);
  if (index * 4u >= parameters.queries) {
    return;
  }
  estimate(index, 0u);
}
