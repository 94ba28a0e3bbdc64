// Dense Adam for a table of which most rows have no gradient in most steps: makes up for the steps that a row has missed,
// in all of which its gradient was 0, before the row is next read. Together with optim/adam_rows, which makes the step of
// the rows that have a gradient, the table has the bytes that optim/adam on the scattered gradient gives it.
//
//   parameter      [nodes, width]  w, updated
//   first_moment   [nodes, width]  m, updated
//   second_moment  [nodes, width]  v, updated
//   made           [nodes]         steps that each row has made (optim/adam_made writes it)
//   nodes          [maxRows]       node of row r, no node twice; unread where ALL = 1
//   rows           [2]             rows in use, and how many of them belong to side 0
//   state          [4]             state[0] is the step about to be made
//   schedule       [steps, 4]      as for optim/adam
//
// ALL = 1: row r is node r. After REPLAYED steps without a gradient what a step adds to w is far below w's rounding (the
// host knows how many that takes by β1 and β2): from there on only the moments decay, unless weight decay goes on pulling
// at w. Moments that are 0, as those of rows that never had a gradient, stay so and leave w alone.
//
// One invocation for four columns of a row. Memory bound where few steps were missed: 24 bytes an element of the rows that
// missed any, and nothing but `made` of the others.

#import grid
#import adam

override WORKGROUP: u32 = 64;
override ALL: u32 = 0;
// As many as it takes unless told.
override REPLAYED: u32 = 0xffffffffu;

struct Parameters {
  // Columns, a multiple of 4.
  width: u32,
  beta1: f32,
  beta2: f32,
  epsilon: f32,
  weight_decay: f32,
}

@group(0) @binding(0) var<storage, read_write> parameter: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> first_moment: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> second_moment: array<vec4f>;
@group(0) @binding(3) var<storage, read> made: array<u32>;
@group(0) @binding(4) var<storage, read> nodes: array<u32>;
@group(0) @binding(5) var<storage, read> rows: array<u32>;
@group(0) @binding(6) var<storage, read> state: array<u32>;
@group(0) @binding(7) var<storage, read> schedule: array<vec4f>;
@group(0) @binding(8) var<uniform> parameters: Parameters;

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
  var node = row;
  if (ALL == 0u) {
    node = nodes[row];
  }
  let begin = made[node];
  let end = state[0];
  if (begin >= end) {
    return;
  }
  let at = node * columns + index % columns;
  let settings = AdamSettings(parameters.beta1, parameters.beta2, parameters.epsilon, parameters.weight_decay);
  let first = first_moment[at];
  let second = second_moment[at];
  if (all(first == vec4f(0.0)) && all(second == vec4f(0.0)) && parameters.weight_decay == 0.0) {
    return;
  }
  var now = AdamResult(parameter[at], first, second);
  var step = begin;
  let last = begin + select(min(end - begin, REPLAYED), end - begin, parameters.weight_decay != 0.0);
  for (; step < last; step++) {
    now = adam_step(now.parameter, vec4f(0.0), now.first_moment, now.second_moment, schedule[step], settings);
  }
  // One step after the other: their product at once would round differently.
  for (; step < end; step++) {
    now.first_moment *= parameters.beta1;
    now.second_moment *= parameters.beta2;
  }
  parameter[at] = now.parameter;
  first_moment[at] = now.first_moment;
  second_moment[at] = now.second_moment;
}
