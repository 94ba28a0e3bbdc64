// A mean over a whole neighbourhood where one invocation has a node, with eight of its neighbours at a time. Sums have the
// order of lib/mean_columns, so the bytes are the same. The importing file declares the graph, `output`, JOINT, and
// `features(at)`: four columns of the table of features.
#import row_chunk

fn mean_row(node: u32) {
  if (node >= parameters.nodes) {
    return;
  }
  let columns = parameters.width / 4u;
  // Where the mean goes; without JOINT the node itself stands before it.
  let mean_at = select((2u * node + 1u) * columns, node * columns, JOINT == 1u);
  let begin = offsets[node];
  let end = offsets[node + 1u];
  let degree = f32(end - begin);
  var at: array<u32, CHUNK>;
  // A node without neighbours has one chunk, an empty one.
  for (var entry = begin; entry == begin || entry < end; entry += CHUNK) {
    for (var i = 0u; i < CHUNK; i++) {
      if (entry + i < end) {
        at[i] = neighbours[entry + i] * columns;
      }
    }
    for (var column = 0u; column < columns; column++) {
      var sum = vec4f(0.0);
      if (entry != begin) {
        sum = output[mean_at + column];
      }
      for (var i = 0u; i < CHUNK; i++) {
        if (entry + i < end) {
          sum += features(at[i] + column);
        }
      }
      if (entry + CHUNK >= end) {
        let own = features(node * columns + column);
        if (JOINT == 1u) {
          sum = (own + sum) / (degree + 1.0);
        } else {
          output[2u * node * columns + column] = own;
          sum = select(sum / max(degree, 1.0), own, end == begin);
        }
      }
      output[mean_at + column] = sum;
    }
  }
}
