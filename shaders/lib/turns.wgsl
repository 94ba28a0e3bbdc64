// Work that workgroups take in turns, for kernels whose amount of work only the device knows: where starting a workgroup
// costs as much whether it has work or none, as on drivers that run shaders on the CPU, any number of workgroups will do.
#import grid

// The workgroups of all grids that the work was cut into, or 0 where there is one. The program chooses it
// (src/gpu/program.ts).
override ALL_GROUPS: u32 = 0;

// A workgroup's first turn; none, beyond any work, for one that only fills the last row of a folded grid.
fn first_turn(group: vec3u, groups: vec3u) -> u32 {
  let number = linear_group(group, groups);
  return select(number, 0xffffffffu, ALL_GROUPS > 0u && number >= ALL_GROUPS);
}

// From a turn to the next.
fn turn_step(groups: vec3u) -> u32 {
  return select(ALL_GROUPS, groups.x * groups.y, ALL_GROUPS == 0u);
}
