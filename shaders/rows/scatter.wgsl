// Rows into a table by number: output[nodes[r]] = source[r]; nothing where nodes[r] is 0xffffffff.
//
//   source  [maxRows, width]
//   nodes   [maxRows]         no number twice
//   rows    [2]               rows in use; the second number is unread
//   output  [N, width]  all other rows are left as they are
//
// One invocation for four columns of a row. Memory bound: 8 bytes an element.

#import grid
#import none

override WORKGROUP: u32 = 64;

struct Parameters {
  // Columns, a multiple of 4.
  width: u32,
}

@group(0) @binding(0) var<storage, read> source: array<vec4f>;
@group(0) @binding(1) var<storage, read> nodes: array<u32>;
@group(0) @binding(2) var<storage, read> rows: array<u32>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;
@group(0) @binding(4) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_invocation(group, groups, WORKGROUP, local);
  let columns = parameters.width / 4u;
  let row = index / columns;
  if (row >= rows[0]) {
    return;
  }
  let node = nodes[row];
  if (node != NONE) {
    output[node * columns + index % columns] = source[index];
  }
}
