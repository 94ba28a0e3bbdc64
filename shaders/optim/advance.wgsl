// Ends a training step: state[0], the step, grows by one.
//
//   state  [4]
//
// One invocation. Everything that reads the step must have been recorded before.

@group(0) @binding(0) var<storage, read_write> state: array<u32>;

@compute @workgroup_size(1)
fn main() {
  state[0] += 1u;
}
