// Adam for a dense tensor whose length is a multiple of 4: optim/adam with four elements an invocation. Same bindings,
// same parameters, `count` in elements. Memory bound: 28 bytes an element.

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

@group(0) @binding(0) var<storage, read_write> parameter: array<vec4f>;
@group(0) @binding(1) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> first_moment: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> second_moment: array<vec4f>;
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
  if (index >= parameters.count / 4u) {
    return;
  }
  let settings = AdamSettings(parameters.beta1, parameters.beta2, parameters.epsilon, parameters.weight_decay);
  let result = adam_step(
    parameter[index],
    gradient[index],
    first_moment[index],
    second_moment[index],
    schedule[state[0]],
    settings,
  );
  parameter[index] = result.parameter;
  first_moment[index] = result.first_moment;
  second_moment[index] = result.second_moment;
}
