// Adds up the parts that a sum was computed in, one after another: sum[i] = Σ_p partial[p, i].
//
//   partial  [parts, count]
//   sum      [count]
//
// One invocation for four elements; count is a multiple of 4. Memory bound: 4 · (parts + 1) bytes an element.

#import grid

override WORKGROUP: u32 = 64;

struct Parameters {
  parts: u32,
  count: u32,
}

@group(0) @binding(0) var<storage, read> partial: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> sum: array<vec4f>;
@group(0) @binding(2) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_invocation(group, groups, WORKGROUP, local);
  let vectors = parameters.count / 4u;
  if (index < vectors) {
    var total = vec4f();
    for (var part = 0u; part < parameters.parts; part += 1u) {
      total += partial[part * vectors + index];
    }
    sum[index] = total;
  }
}
