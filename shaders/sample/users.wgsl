// The users of a batch, without replacement within an epoch, none twice.
//
//   state  [4]      state[0] = step
//   batch  [count]  user numbers
//
// One invocation a place of the batch. An epoch has floor(users / count) batches: the first of a random permutation of all
// users, another one in each epoch; those left over sit out. count is at most users.

#import grid
#import permutation

override WORKGROUP: u32 = 64;

struct Parameters {
  count: u32,
  users: u32,
  seed: u32,
}

@group(0) @binding(0) var<storage, read> state: array<u32>;
@group(0) @binding(1) var<storage, read_write> batch: array<u32>;
@group(0) @binding(2) var<uniform> parameters: Parameters;

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
  let batches = parameters.users / parameters.count;
  let position = (state[0] % batches) * parameters.count + index;
  batch[index] = permuted(position, parameters.users, parameters.seed, state[0] / batches);
}
