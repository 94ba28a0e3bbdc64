// The best k of a stream of (product, id), one invocation a list: a binary heap that lies in the results themselves,
// the worst entry in front. The importing file declares the tensors `ids: array<i32>` and `products: array<f32>`.
// The order is by product descending, then by id ascending; ids must differ, so that the result is unique whatever
// the order of arrival.

// The lowest finite f32, beside id -1 in missing places.
const MISSING_PRODUCT = -0x1.fffffep+127;

var<private> heap_base: u32;
var<private> heap_capacity: u32;
var<private> heap_size: u32;
// The front entry once the heap is full; before, an entry worse than any.
var<private> heap_worst: f32;
var<private> heap_worst_id: i32;

fn heap_open(base: u32, capacity: u32) {
  heap_base = base;
  heap_capacity = capacity;
  heap_size = 0u;
  heap_worst = MISSING_PRODUCT;
  heap_worst_id = 0x7fffffff;
}

fn is_worse(product: f32, id: i32, other_product: f32, other_id: i32) -> bool {
  return product < other_product || (product == other_product && id > other_id);
}

// Puts an entry where the heap has a gap at `gap`, below which lie `size` entries in all.
fn heap_sift_down(start: u32, size: u32, product: f32, id: i32) {
  var gap = start;
  loop {
    var child = 2u * gap + 1u;
    if (child >= size) {
      break;
    }
    var child_product = products[heap_base + child];
    var child_id = ids[heap_base + child];
    if (child + 1u < size) {
      let right_product = products[heap_base + child + 1u];
      let right_id = ids[heap_base + child + 1u];
      if (is_worse(right_product, right_id, child_product, child_id)) {
        child += 1u;
        child_product = right_product;
        child_id = right_id;
      }
    }
    if (!is_worse(child_product, child_id, product, id)) {
      break;
    }
    products[heap_base + gap] = child_product;
    ids[heap_base + gap] = child_id;
    gap = child;
  }
  products[heap_base + gap] = product;
  ids[heap_base + gap] = id;
}

// Takes an entry in, which must be better than the worst of a full heap.
fn heap_offer(product: f32, id: i32) {
  if (heap_size == heap_capacity) {
    heap_sift_down(0u, heap_size, product, id);
  } else {
    products[heap_base + heap_size] = product;
    ids[heap_base + heap_size] = id;
    heap_size += 1u;
    if (heap_size < heap_capacity) {
      return;
    }
    // Full for the first time: bring it into order once, from the last parent up.
    for (var left = heap_size / 2u; left > 0u; left -= 1u) {
      let parent = left - 1u;
      heap_sift_down(parent, heap_size, products[heap_base + parent], ids[heap_base + parent]);
    }
  }
  heap_worst = products[heap_base];
  heap_worst_id = ids[heap_base];
}

// Orders the entries, best first, and marks the places that stayed empty.
fn heap_close() {
  if (heap_size < heap_capacity) {
    for (var left = heap_size / 2u; left > 0u; left -= 1u) {
      let parent = left - 1u;
      heap_sift_down(parent, heap_size, products[heap_base + parent], ids[heap_base + parent]);
    }
  }
  for (var size = heap_size; size > 1u; size -= 1u) {
    let last = heap_base + size - 1u;
    let product = products[last];
    let id = ids[last];
    products[last] = products[heap_base];
    ids[last] = ids[heap_base];
    heap_sift_down(0u, size - 1u, product, id);
  }
  for (var place = heap_size; place < heap_capacity; place += 1u) {
    products[heap_base + place] = MISSING_PRODUCT;
    ids[heap_base + place] = -1;
  }
}
