// Which rows a workgroup sums in strips (lib/strip), one after another: to start a workgroup costs as much as ten loads.
#import strip
#import spread

// Rows of a workgroup, as src/layers/aggregate.ts has it.
const STRIP_ROWS = 16u;

// The first of a workgroup's rows.
fn strip_row(group: vec3u, groups: vec3u) -> u32 {
  return spread_group(group, groups, 1u) * STRIP_ROWS;
}
