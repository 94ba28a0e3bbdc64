// How many bytes a second an adapter can move: a copy, by vectors of four words. It measures and computes nothing that
// anybody needs.
//
//   source  [quads, 4]  words
//   copied  [quads, 4]  the same words afterwards
//
// One invocation SPAN vectors: neighbours in memory where ADJACENT is 1, which suits drivers that run shaders on the CPU,
// else those of neighbouring invocations side by side, which suits GPUs. Memory bound: 16 bytes read and 16 written a
// vector, no arithmetic.

#import grid

override WORKGROUP: u32 = 256;
override SPAN: u32 = 8;
override ADJACENT: u32 = 1;

struct Parameters {
  quads: u32,
}

@group(0) @binding(0) var<storage, read> source: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> copied: array<vec4u>;
@group(0) @binding(2) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let adjacent = ADJACENT == 1u;
  let first = linear_group(group, groups) * WORKGROUP * SPAN + select(local, local * SPAN, adjacent);
  let stride = select(WORKGROUP, 1u, adjacent);
  for (var step = 0u; step < SPAN; step += 1u) {
    let at = first + step * stride;
    if (at < parameters.quads) {
      copied[at] = source[at];
    }
  }
}
