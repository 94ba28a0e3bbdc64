// A mean over a whole neighbourhood where one invocation has four columns of a node. The importing file declares the
// graph, `output`, JOINT, and `features(at)`: four columns of the table of features.

fn mean_columns(index: u32) {
  let columns = parameters.width / 4u;
  let node = index / columns;
  if (node >= parameters.nodes) {
    return;
  }
  let column = index % columns;
  let own = features(index);
  let begin = offsets[node];
  let end = offsets[node + 1u];
  var sum = vec4f(0.0);
  for (var entry = begin; entry < end; entry++) {
    sum += features(neighbours[entry] * columns + column);
  }
  let degree = f32(end - begin);
  if (JOINT == 1u) {
    output[index] = (own + sum) / (degree + 1.0);
  } else {
    output[node * 2u * columns + column] = own;
    output[(node * 2u + 1u) * columns + column] = select(sum / max(degree, 1.0), own, end == begin);
  }
}
