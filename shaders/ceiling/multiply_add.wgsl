// How many multiplications and additions a second an adapter can do: chains of x · factor + term in registers, of which
// dense layers and inner products consist. It measures and computes nothing that anybody needs.
//
//   start   [count, 3, 4]  twelve independent chains for each invocation, finite
//   finish  [count, 3, 4]  the values after 8 · rounds steps x → x · factor + term
//
// One invocation twelve chains, as the components of three vec4f. A step is two operations a value, so that an invocation
// does 192 · rounds of them and 6 memory accesses: bound by arithmetic from some tens of rounds on. Each step needs the
// one before; twelve chains hide the latency of two units with a latency of four, and leave room for factor and term in
// sixteen registers. FUSED 1 asks for fma, which some drivers compute with one rounding in one instruction and others
// take apart; FUSED 0 leaves it to the compiler. With |factor| < 1 values stay finite.

#import grid

override WORKGROUP: u32 = 64;
override FUSED: u32 = 0;

struct Parameters {
  count: u32,
  rounds: u32,
  factor: f32,
  term: f32,
}

@group(0) @binding(0) var<storage, read> start: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> finish: array<vec4f>;
@group(0) @binding(2) var<uniform> parameters: Parameters;

struct Chains {
  a: vec4f,
  b: vec4f,
  c: vec4f,
}

fn step_once(at: Chains, factor: vec4f, term: vec4f) -> Chains {
  if (FUSED == 1u) {
    return Chains(fma(at.a, factor, term), fma(at.b, factor, term), fma(at.c, factor, term));
  }
  return Chains(at.a * factor + term, at.b * factor + term, at.c * factor + term);
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
  let factor = vec4f(parameters.factor);
  let term = vec4f(parameters.term);
  var at = Chains(start[3u * index], start[3u * index + 1u], start[3u * index + 2u]);
  for (var round = 0u; round < parameters.rounds; round += 1u) {
    at = step_once(at, factor, term);
    at = step_once(at, factor, term);
    at = step_once(at, factor, term);
    at = step_once(at, factor, term);
    at = step_once(at, factor, term);
    at = step_once(at, factor, term);
    at = step_once(at, factor, term);
    at = step_once(at, factor, term);
  }
  finish[3u * index] = at.a;
  finish[3u * index + 1u] = at.b;
  finish[3u * index + 2u] = at.c;
}
