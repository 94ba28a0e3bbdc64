// Adam for the active rows of a table of embeddings, as optim/adam_rows, for drivers that run shaders on the CPU.
//
//   parameter      [nodes, width]    w, active rows updated
//   first_moment   [nodes, width]    m, active rows updated
//   second_moment  [nodes, width]    v, active rows updated
//   gradient       [maxRows, width]  ∂L/∂w of active row r
//   nodes          [maxRows]         node of active row r; no node twice, or the result would depend on timing
//   rows           [2]               rows in use, and how many of them belong to side 0
//   state          [4]               state[0] is the step
//   schedule       [steps, 4]        as for optim/adam
//
// One invocation an active row, so that many rows, which lie anywhere, are under way at once. The bytes are those of
// optim/adam_rows. Memory bound: 28 bytes an element of the active rows.

#import spread
#import adam

override WORKGROUP: u32 = 64;

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
@group(0) @binding(3) var<storage, read> gradient: array<vec4f>;
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
  let row = spread_invocation(group, groups, WORKGROUP, local);
  if (row >= rows[0]) {
    return;
  }
  let columns = parameters.width / 4u;
  let first = nodes[row] * columns;
  let settings = AdamSettings(parameters.beta1, parameters.beta2, parameters.epsilon, parameters.weight_decay);
  let now = schedule[state[0]];
  for (var column = 0u; column < columns; column++) {
    let at = first + column;
    let result = adam_step(
      parameter[at],
      gradient[row * columns + column],
      first_moment[at],
      second_moment[at],
      now,
      settings,
    );
    parameter[at] = result.parameter;
    first_moment[at] = result.first_moment;
    second_moment[at] = result.second_moment;
  }
}
