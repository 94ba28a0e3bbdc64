// Sums a table down its columns, always in the same order, into a row of a ring and, for chosen columns, into a tensor.
//
//   table   [count, columns]     columns from 1 to 16
//   state   [4]                  state[0] is the step
//   ring    [capacity, columns]  row (step mod capacity) receives the sums
//   chosen  [chosen_count]       sums of columns chosen_first to chosen_first + chosen_count - 1
//
// One workgroup. A column has the largest power of two of invocations that fits; each adds every such row, in blocks of
// 16 so that rounding errors stay small, and a tree in shared memory adds the invocations' sums. Reads 4 bytes an
// element; meant for tables of up to some 100,000 rows.

override WORKGROUP: u32 = 256;

const BLOCK = 16u;

struct Parameters {
  count: u32,
  columns: u32,
  capacity: u32,
  chosen_first: u32,
  chosen_count: u32,
}

@group(0) @binding(0) var<storage, read> table: array<f32>;
@group(0) @binding(1) var<storage, read> state: array<u32>;
@group(0) @binding(2) var<storage, read_write> ring: array<f32>;
@group(0) @binding(3) var<storage, read_write> chosen: array<f32>;
@group(0) @binding(4) var<uniform> parameters: Parameters;

var<workgroup> sums: array<f32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(local_invocation_index) local: u32) {
  let columns = parameters.columns;
  let lanes = 1u << firstLeadingBit(WORKGROUP / columns);
  let lane = local / columns;
  let column = local % columns;
  var sum = 0.0;
  if (lane < lanes) {
    for (var first = lane; first < parameters.count; first += BLOCK * lanes) {
      let end = min(parameters.count, first + BLOCK * lanes);
      var part = 0.0;
      for (var row = first; row < end; row += lanes) {
        part += table[row * columns + column];
      }
      sum += part;
    }
  }
  sums[local] = sum;
  for (var stride = lanes / 2u; stride > 0u; stride /= 2u) {
    workgroupBarrier();
    if (lane < stride) {
      sums[local] += sums[local + stride * columns];
    }
  }
  if (local < columns) {
    ring[(state[0] % parameters.capacity) * columns + local] = sums[local];
    if (local >= parameters.chosen_first && local - parameters.chosen_first < parameters.chosen_count) {
      chosen[local - parameters.chosen_first] = sums[local];
    }
  }
}
