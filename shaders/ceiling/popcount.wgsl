// How many words a second an adapter can count the ones of, as search by popcount does: differ, count, add. It measures
// and computes nothing that anybody needs.
//
//   start   [count, 2, 4]  eight independent words for each invocation
//   finish  [count, 2, 4]  the words after 8 · rounds steps x → x + popcount(x ^ key), key being the word at the start
//
// One invocation eight chains, as the components of two vec4u. An invocation counts 64 · rounds words and does 4 memory
// accesses: bound by counting from some tens of rounds on. Each step needs the one before; the eight chains and the other
// invocations hide the latency.

#import grid

override WORKGROUP: u32 = 64;

struct Parameters {
  count: u32,
  rounds: u32,
}

@group(0) @binding(0) var<storage, read> start: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> finish: array<vec4u>;
@group(0) @binding(2) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_invocation(group, groups, WORKGROUP, local);
  if (index >= parameters.count) {
    return;
  }
  let key_a = start[2u * index];
  let key_b = start[2u * index + 1u];
  var a = key_a;
  var b = key_b;
  for (var round = 0u; round < parameters.rounds; round += 1u) {
    for (var step = 0u; step < 8u; step += 1u) {
      a += countOneBits(a ^ key_a);
      b += countOneBits(b ^ key_b);
    }
  }
  finish[2u * index] = a;
  finish[2u * index + 1u] = b;
}
