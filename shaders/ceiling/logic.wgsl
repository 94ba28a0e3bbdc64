// How many bitwise operations a second an adapter can do: chains of full adders in registers, the mix of which bit-sliced
// search consists. It measures and computes nothing that anybody needs.
//
//   start   [count, 3, 4]  three words a, b, c of four independent chains for each invocation
//   finish  [count, 3, 4]  the words after 8 · rounds steps (a, b, c) → (a ^ b ^ c, majority of a, b and c, b)
//
// One invocation four chains, as the components of a vec4u. A step is five two-input operations a word, so that an
// invocation does 160 · rounds of them and 24 memory accesses: bound by logic from some tens of rounds on. Each step
// needs the one before; the four chains and the other invocations hide the latency. The compiler may fuse operations
// into three-input ones where the adapter has them, as it may in search: that is part of the ceiling.

#import grid

override WORKGROUP: u32 = 64;

struct Parameters {
  count: u32,
  rounds: u32,
}

@group(0) @binding(0) var<storage, read> start: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> finish: array<vec4u>;
@group(0) @binding(2) var<uniform> parameters: Parameters;

struct Chains {
  a: vec4u,
  b: vec4u,
  c: vec4u,
}

fn step_once(at: Chains) -> Chains {
  let either = at.a ^ at.b;
  return Chains(either ^ at.c, (at.a & at.b) | (either & at.c), at.b);
}

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
  var at = Chains(start[3u * index], start[3u * index + 1u], start[3u * index + 2u]);
  for (var round = 0u; round < parameters.rounds; round += 1u) {
    at = step_once(at);
    at = step_once(at);
    at = step_once(at);
    at = step_once(at);
    at = step_once(at);
    at = step_once(at);
    at = step_once(at);
    at = step_once(at);
  }
  finish[3u * index] = at.a;
  finish[3u * index + 1u] = at.b;
  finish[3u * index + 2u] = at.c;
}
