// What the kernels of aggregate/mean_full write of a node, four columns at a time, from the sum of its neighbours.
#import activation

override JOINT: u32 = 0;

// To columns 4 column to 4 column + 3 of a row of the kernel's `output`, which is 4 `columns` wide, or twice that where the
// node itself stands before its mean (JOINT = 0). A node without neighbours is its own mean.
fn write_mean(row: u32, column: u32, columns: u32, own: vec4f, sum: vec4f, degree: f32) {
  if (JOINT == 1u) {
    output[row * columns + column] = activate((own + sum) / (degree + 1.0));
  } else {
    output[2u * row * columns + column] = own;
    output[(2u * row + 1u) * columns + column] = select(sum / max(degree, 1.0), own, degree == 0.0);
  }
}
