// Linear numbers over a grid that may have been folded into two dimensions (src/gpu/grid.ts), or cut into several.

// Workgroups of the same work before this grid. The program chooses it (src/gpu/program.ts).
override FIRST_GROUP: u32 = 0;

// The number of this workgroup.
fn linear_group(group: vec3u, groups: vec3u) -> u32 {
  return FIRST_GROUP + group.y * groups.x + group.x;
}

// The number of this invocation; `size` is the number of invocations in a workgroup.
fn linear_invocation(group: vec3u, groups: vec3u, size: u32, local: u32) -> u32 {
  return linear_group(group, groups) * size + local;
}
