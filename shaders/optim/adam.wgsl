// Adam for a dense tensor of any length (Kingma and Ba, ICLR 2015, algorithm 1; L2 weight decay):
//   g = gradient + weight_decay · w;  m = β1 m + (1 - β1) g;  v = β2 v + (1 - β2) g²
//   w = w - schedule[step, 1] · m / (sqrt(v · schedule[step, 2]) + epsilon)
//
//   parameter      [count]     w, updated
//   gradient       [count]     ∂L/∂w
//   first_moment   [count]     m, updated
//   second_moment  [count]     v, updated
//   state          [4]         state[0] is the step
//   schedule       [steps, 4]  columns 1 and 2: learning rate / (1 - β1^t) and 1 / (1 - β2^t), t = step + 1
//
// One invocation an element. Memory bound: 28 bytes an element. optim/adam.vec4 does the same for lengths that are
// multiples of 4.

#import grid
#import adam

override WORKGROUP: u32 = 64;

struct Parameters {
  count: u32,
  beta1: f32,
  beta2: f32,
  epsilon: f32,
  weight_decay: f32,
}

@group(0) @binding(0) var<storage, read_write> parameter: array<f32>;
@group(0) @binding(1) var<storage, read> gradient: array<f32>;
@group(0) @binding(2) var<storage, read_write> first_moment: array<f32>;
@group(0) @binding(3) var<storage, read_write> second_moment: array<f32>;
@group(0) @binding(4) var<storage, read> state: array<u32>;
@group(0) @binding(5) var<storage, read> schedule: array<vec4f>;
@group(0) @binding(6) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_invocation(group, groups, WORKGROUP, local);
  if (index >= parameters.count) {
    return;
  }
  let settings = AdamSettings(parameters.beta1, parameters.beta2, parameters.epsilon, parameters.weight_decay);
  let result = adam_step(
    vec4f(parameter[index]),
    vec4f(gradient[index]),
    vec4f(first_moment[index]),
    vec4f(second_moment[index]),
    schedule[state[0]],
    settings,
  );
  parameter[index] = result.parameter.x;
  first_moment[index] = result.first_moment.x;
  second_moment[index] = result.second_moment.x;
}
