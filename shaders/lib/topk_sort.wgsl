// Sorting (key, id) pairs by one workgroup, for the best k by inner product. The importing file declares
// `scratch: array<u32>`, with pairs at even places, and the override WORKGROUP. Keys are order-preserving integers.

// The lowest finite f32, beside id -1 in missing places.
const MISSING_PRODUCT = -0x1.fffffep+127;

// An integer that orders as the float does, but descending: the best product has the smallest key. Both zeros are one.
fn key_of(product: f32) -> u32 {
  let bits = select(bitcast<u32>(product), 0u, product == 0.0);
  return select(0x7fffffffu - bits, bits, (bits >> 31u) == 1u);
}

// The float of a key.
fn product_of(key: u32) -> f32 {
  return bitcast<f32>(select(0x7fffffffu - key, key, (key >> 31u) == 1u));
}

// Sorts the `size` pairs that begin at pair `base`, by key and then by id: a bitonic network that compares upwards
// only, so that places beyond `size` need not exist. Every lane of the workgroup must call it, after its writes.
fn sort_pairs(base: u32, size: u32, local: u32) {
  storageBarrier();
  workgroupBarrier();
  for (var width = 2u; width < 2u * size; width *= 2u) {
    for (var stride = width / 2u; stride > 0u; stride /= 2u) {
      // Comparators of this step: one for each pair of places, the first step of a width mirrored.
      for (var comparator = local; comparator * 2u < size + 2u * stride; comparator += WORKGROUP) {
        let offset = comparator % stride;
        let low = (comparator / stride) * 2u * stride + offset;
        let mirrored = (comparator / stride + 1u) * 2u * stride - 1u - offset;
        let high = select(low + stride, mirrored, stride == width / 2u);
        if (high < size) {
          let a = (base + low) * 2u;
          let b = (base + high) * 2u;
          let a_key = scratch[a];
          let b_key = scratch[b];
          let a_id = scratch[a + 1u];
          let b_id = scratch[b + 1u];
          if (b_key < a_key || (b_key == a_key && b_id < a_id)) {
            scratch[a] = b_key;
            scratch[b] = a_key;
            scratch[a + 1u] = b_id;
            scratch[b + 1u] = a_id;
          }
        }
      }
      storageBarrier();
      workgroupBarrier();
    }
  }
}
