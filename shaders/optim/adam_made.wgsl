// Notes how many steps of Adam rows of a table have made, for optim/adam_catch_up.
//
//   nodes  [maxRows]  node of row r, no node twice; unread where ALL = 1
//   rows   [2]        rows in use, and how many of them belong to side 0
//   state  [4]        state[0] is the step
//   made   [nodes]    state[0] + AHEAD for these rows; all others are left as they are
//
// ALL = 1: row r is node r. AHEAD = 1 where the step has just been made, 0 where the rows have caught up with it.
//
// One invocation a row.

#import grid

override WORKGROUP: u32 = 64;
override ALL: u32 = 0;
override AHEAD: u32 = 0;

@group(0) @binding(0) var<storage, read> nodes: array<u32>;
@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read> state: array<u32>;
@group(0) @binding(3) var<storage, read_write> made: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row = linear_invocation(group, groups, WORKGROUP, local);
  if (row >= rows[0]) {
    return;
  }
  var node = row;
  if (ALL == 0u) {
    node = nodes[row];
  }
  made[node] = state[0] + AHEAD;
}
