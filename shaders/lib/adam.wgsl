// One step of Adam (Kingma and Ba, ICLR 2015, algorithm 1) for four parameters; every kernel of shaders/optim uses this
// one function, so that the same gradients give the same bytes whichever kernel applies them.

struct AdamSettings {
  beta1: f32,
  beta2: f32,
  epsilon: f32,
  weight_decay: f32,
}

struct AdamResult {
  parameter: vec4f,
  first_moment: vec4f,
  second_moment: vec4f,
}

// `schedule` is the step's row of the schedule: (·, learning rate / (1 - β1^t), 1 / (1 - β2^t), ·). Weight decay is the
// L2 kind: it joins the gradient.
fn adam_step(
  parameter: vec4f,
  gradient: vec4f,
  first_moment: vec4f,
  second_moment: vec4f,
  schedule: vec4f,
  settings: AdamSettings,
) -> AdamResult {
  let slope = gradient + settings.weight_decay * parameter;
  let first = settings.beta1 * first_moment + (1.0 - settings.beta1) * slope;
  let second = settings.beta2 * second_moment + (1.0 - settings.beta2) * slope * slope;
  let change = schedule.y * first / (sqrt(second * schedule.z) + settings.epsilon);
  return AdamResult(parameter - change, first, second);
}
