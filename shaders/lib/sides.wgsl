// Rows of two sides: rows 0 to first - 1 belong to side 0 (users), rows first to total - 1 to side 1 (items). Kernels
// work through them in spans of equal size that never cross the border between the sides.

struct Span {
  side: u32,
  // First row, and the row after the last; begin >= end where there is nothing to do.
  begin: u32,
  end: u32,
}

// Rows of side 0, from `rows` = [total, rows of side 0]; with one side all rows belong to it.
fn rows_of_first_side(total: u32, first: u32, sides: u32) -> u32 {
  return select(total, min(first, total), sides == 2u);
}

// Span number `index` of `size` rows: the spans of side 0, then those of side 1. There are at most
// ceil(total / size) + 1 of them.
fn span_of_rows(index: u32, size: u32, total: u32, first: u32) -> Span {
  let spans = (first + size - 1u) / size;
  if (index < spans) {
    let begin = index * size;
    return Span(0u, begin, min(begin + size, first));
  }
  let begin = first + (index - spans) * size;
  return Span(1u, begin, min(begin + size, total));
}
