// Exclusive prefix sums, of the values themselves or of their bit counts.
//
//   values  [count]      u32
//   sums    [count + 1]  sums[i] = Σ_{j<i} values[j] (or popcount(values[j])); the last one is the total
//
// One workgroup. Each invocation owns a run of consecutive values: it adds them up, one invocation scans the runs'
// totals, and each invocation writes its run. Work is 2·count reads; meant for up to some millions of values. Totals
// must stay below 2^32.

override WORKGROUP: u32 = 256;
// 1: sum the numbers of one bits, for bitmaps.
override POPCOUNT: u32 = 0;

struct Parameters {
  count: u32,
}

@group(0) @binding(0) var<storage, read> values: array<u32>;
@group(0) @binding(1) var<storage, read_write> sums: array<u32>;
@group(0) @binding(2) var<uniform> parameters: Parameters;

var<workgroup> totals: array<u32, WORKGROUP>;

fn value(index: u32) -> u32 {
  let word = values[index];
  return select(word, countOneBits(word), POPCOUNT == 1u);
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(local_invocation_index) local: u32) {
  let run = (parameters.count + WORKGROUP - 1u) / WORKGROUP;
  let first = min(local * run, parameters.count);
  let end = min(first + run, parameters.count);
  var total = 0u;
  for (var index = first; index < end; index++) {
    total += value(index);
  }
  totals[local] = total;
  workgroupBarrier();
  if (local == 0u) {
    var sum = 0u;
    for (var other = 0u; other < WORKGROUP; other++) {
      let own = totals[other];
      totals[other] = sum;
      sum += own;
    }
    sums[parameters.count] = sum;
  }
  workgroupBarrier();
  var sum = totals[local];
  for (var index = first; index < end; index++) {
    sums[index] = sum;
    sum += value(index);
  }
}
