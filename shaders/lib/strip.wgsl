// Rows from anywhere that eight lanes read together, from an image (lib/image): for kernels that sum such rows, on drivers
// that run shaders on the CPU. A strip of a row is 32 vectors of four columns, or what is left of it; of those, lane l has
// vectors l, l + 8, l + 16 and l + 24, so that neighbouring lanes read neighbouring memory, a row is read from end to end,
// and sums stay in registers however many rows there are.
//
// Such a driver runs every branch of an `if` whose condition it does not know, with no lanes where it does not hold, and
// a turn of a loop costs as much as the sums of a load. So the width is compiled in, and a full eight of neighbours is a
// loop of known length, which the compiler unrolls: together they save a quarter to a third of the time.
#import image

const LANES = 8u;
const STRIP_VECTORS = 32u;
alias Strip = mat4x4f;

// Columns of a row, a multiple of 4, and the vectors that it has.
override width: u32;
override COLUMNS = width / 4u;

// The vectors that are left of a row from the first one of a strip on: known to the compiler where there is one strip.
fn strip_left(first: u32) -> u32 {
  return select(COLUMNS - first, COLUMNS, COLUMNS <= STRIP_VECTORS);
}

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
