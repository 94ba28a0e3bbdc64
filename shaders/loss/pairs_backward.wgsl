// The loss of a batch of edges, backward to the guided codes: with s_x = scale · ⟨ĥ_u, ĥ_x⟩ and g_x = ∂total/∂s_x of
// loss/pairs, ∂total/∂ĥ_u = scale · Σ_x g_x ĥ_x over the edge's positive and negatives, and ∂total/∂ĥ_x = scale · g_x ĥ_u;
// a row's gradient is the sum over all its occurrences in the batch.
//
//   guided           [maxRows, width]          ĥ
//   pairs            [batch, 2 + slots]        rows of ĥ: user, positive, negatives; 0xffffffff for none
//   score_gradient   [batch, 1 + slots]        g, of loss/pairs
//   scale            [1]
//   offsets          [maxRows + 1]             occurrences of row r are order[offsets[r]] to order[offsets[r + 1] - 1]
//   order            [batch · (2 + slots)]     positions in `pairs`, ascending within a row; none of a missing entry
//   rows             [2]                       rows in use, and how many of them belong to side 0
//   guided_gradient  [maxRows, width]          ∂total/∂ĥ, 0 for a row without occurrences
//
// One invocation for four columns of a row, which walks the row's occurrences in order: no atomics, always the same
// sums. Rows beyond rows[0] are left alone. Reads 16 bytes an occurrence as positive or negative and (1 + slots) times
// that as user, for every four columns; the time of the most frequent row bounds it from below.

#import grid
#import none

override WORKGROUP: u32 = 64;

struct Parameters {
  // Columns of ĥ, a multiple of 4.
  width: u32,
  slots: u32,
}

@group(0) @binding(0) var<storage, read> guided: array<vec4f>;
@group(0) @binding(1) var<storage, read> pairs: array<u32>;
@group(0) @binding(2) var<storage, read> score_gradient: array<f32>;
@group(0) @binding(3) var<storage, read> scale: array<f32>;
@group(0) @binding(4) var<storage, read> offsets: array<u32>;
@group(0) @binding(5) var<storage, read> order: array<u32>;
@group(0) @binding(6) var<storage, read> rows: array<u32>;
@group(0) @binding(7) var<storage, read_write> guided_gradient: array<vec4f>;
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
  let column = index % columns;
  let entries = 2u + parameters.slots;
  let end = offsets[row + 1u];
  var sum = vec4f();
  for (var at = offsets[row]; at < end; at += 1u) {
    let position = order[at];
    let edge = position / entries;
    let entry = position % entries;
    let first_pair = edge * entries;
    let first_score = edge * (entries - 1u);
    if (entry > 0u) {
      let user = pairs[first_pair];
      if (user != NONE) {
        sum += score_gradient[first_score + entry - 1u] * guided[user * columns + column];
      }
    } else {
      for (var other = 1u; other < entries; other += 1u) {
        let partner = pairs[first_pair + other];
        if (partner != NONE) {
          sum += score_gradient[first_score + other - 1u] * guided[partner * columns + column];
        }
      }
    }
  }
  guided_gradient[index] = scale[0] * sum;
}
