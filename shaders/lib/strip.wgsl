// Rows from anywhere that eight lanes read together, from an image (lib/image): for kernels that sum such rows, on drivers
// that run shaders on the CPU. A strip of a row is 32 vectors of four columns, or what is left of it; of those, lane l has
// vectors l, l + 8, l + 16 and l + 24, so that neighbouring lanes read neighbouring memory, a row is read from end to end,
// and sums stay in registers however many rows there are.
#import image

const LANES = 8u;
const STRIP_VECTORS = 32u;
alias Strip = mat4x4f;

// The lane's part of a strip whose vectors begin at `at` less the lane, with `left` of them, for all lanes the same, in the
// row. What lies beyond the row means nothing.
fn strip_at(image: texture_storage_2d<rgba32float, read>, at: u32, left: u32) -> Strip {
  var strip: Strip;
  strip[0] = texel(image, at);
  if (left > LANES) {
    strip[1] = texel(image, at + LANES);
  }
  if (left > 2u * LANES) {
    strip[2] = texel(image, at + 2u * LANES);
  }
  if (left > 3u * LANES) {
    strip[3] = texel(image, at + 3u * LANES);
  }
  return strip;
}

// Each element divided.
fn divided(strip: Strip, by: f32) -> Strip {
  return Strip(strip[0] / by, strip[1] / by, strip[2] / by, strip[3] / by);
}
