// Workgroups in an order in which every thread of a driver on the CPU gets its share. Such a driver gives each thread one run
// of consecutive workgroups, while work is seldom even: what a batch has fills the front of tensors that have room for the
// most, and popular nodes lie together. So workgroups take turns, as many as there are slices in a round: a run of half of
// them, or of any share down to a slice, covers all of the work evenly.
#import grid

// No more slices than this, and no fewer than so many rounds, so that work which fills only the front is shared out too.
const MOST_SLICES = 32u;
const LEAST_ROUNDS = 4u;
// Workgroups of rows that stay together: what is near in the data is often near in memory.
const TOGETHER = 8u;

// The number of this workgroup, as linear_group counts them; `unit` consecutive workgroups stay consecutive.
fn spread_group(group: vec3u, groups: vec3u, unit: u32) -> u32 {
  let number = group.y * groups.x + group.x;
  let units = groups.x * groups.y / unit;
  let slices = clamp(units / LEAST_ROUNDS, 1u, MOST_SLICES);
  let rounds = units / slices;
  let place = number / unit;
  // What is left after the last whole round stays where it is.
  if (place >= rounds * slices) {
    return FIRST_GROUP + number;
  }
  return FIRST_GROUP + ((place % rounds) * slices + place / rounds) * unit + number % unit;
}

// The number of this invocation, as linear_invocation counts them.
fn spread_invocation(group: vec3u, groups: vec3u, size: u32, local: u32) -> u32 {
  return spread_group(group, groups, TOGETHER) * size + local;
}
