// Adam for a table of embeddings whose gradient exists for the active rows only and is 0 elsewhere, as optim/adam_table, for
// drivers that run shaders on the CPU.
//
//   parameter      [nodes, width]          w, updated
//   first_moment   [nodes, width]          m, updated
//   second_moment  [nodes, width]          v, updated
//   gradient       [maxRows, width]        ∂L/∂w of the active nodes, in ascending order of node
//   bits           [ceil(nodes / 32)]      bit (n mod 32) of word (n div 32) is 1 where node n is active
//   ranks          [ceil(nodes / 32) + 1]  active nodes before node 32 · word
//   state          [4]                     state[0] is the step
//   schedule       [steps, 4]              as for optim/adam
//
// One invocation a node: whether it is active, and where its gradient lies, is found once for all its columns. The bytes
// are those of optim/adam_table. Memory bound: 24 bytes an element of the table, 4 more where active.

#import spread
#import bitmap
#import adam

override WORKGROUP: u32 = 64;

struct Parameters {
  nodes: u32,
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
@group(0) @binding(4) var<storage, read> bits: array<u32>;
@group(0) @binding(5) var<storage, read> ranks: array<u32>;
@group(0) @binding(6) var<storage, read> state: array<u32>;
@group(0) @binding(7) var<storage, read> schedule: array<vec4f>;
@group(0) @binding(8) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let node = spread_invocation(group, groups, WORKGROUP, local);
  if (node >= parameters.nodes) {
    return;
  }
  let columns = parameters.width / 4u;
  let word = bits[node / 32u];
  let has_gradient = has_node(word, node);
  let slopes = (ranks[node / 32u] + members_below(word, node)) * columns;
  let settings = AdamSettings(parameters.beta1, parameters.beta2, parameters.epsilon, parameters.weight_decay);
  let now = schedule[state[0]];
  for (var column = 0u; column < columns; column++) {
    let at = node * columns + column;
    var slope = vec4f();
    if (has_gradient) {
      slope = gradient[slopes + column];
    }
    let result = adam_step(parameter[at], slope, first_moment[at], second_moment[at], now, settings);
    parameter[at] = result.parameter;
    first_moment[at] = result.first_moment;
    second_moment[at] = result.second_moment;
  }
}
