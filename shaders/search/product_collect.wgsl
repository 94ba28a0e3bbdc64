// Lists, for each query, the items that can be among its best by inner product: all whose product is above a bound given
// for the query, less those that it excludes. search/candidate_products multiplies what is listed once more, and
// search/candidate_topk ranks it, so that the products of all others are never stored and read.
//
//   database         [count, width]        embeddings of items, width a multiple of 4
//   query            [queries, width]      embeddings of queries
//   bound            [queries, ranks]      the last of each row is the bound: only items with a larger product are listed
//   exclude_offsets  [queries + 1]         where each query's list begins in exclude_ids
//   exclude_ids      [excluded]            items never listed for that query, ascending in each list
//   counts           [queries]             items that were to be listed; more than capacity where the list was too short
//   candidate        [queries, capacity]   their ids, ascending; -1 behind the last
//
// A dispatch walks the items from `first` to before `end`; the one from `first` = 0 begins the lists, others go on with them.
//
// For drivers that run shaders on the CPU. One workgroup is one subgroup of eight lanes and walks all items for 32 queries
// by tiles of 32 (lib/lane_tile): lane l has the queries l, l + 8, l + 16 and l + 24, and lists for them in order of id
// without atomics. Cost: 2 · queries · (end - first) · width operations and a comparison for each pair. Hazard: an
// invocation's time grows with (end - first) · width, which the host limits. Needs subgroups of eight lanes or more.

enable subgroups;
#import grid
#import lane_tile
#import image

const TILE_COLUMNS = 8u;
const TILE_ITEMS = 32u;

// No product is larger: lanes without a query list nothing.
const HIGHEST = 0x1.fffffep+127;

struct Parameters {
  queries: u32,
  first: u32,
  end: u32,
  width: u32,
  ranks: u32,
  capacity: u32,
}

@group(0) @binding(0) var database: texture_storage_2d<rgba32float, read>;
@group(0) @binding(1) var query: texture_storage_2d<rgba32float, read>;
@group(0) @binding(2) var<storage, read> bound: array<f32>;
@group(0) @binding(3) var<storage, read> exclude_offsets: array<u32>;
@group(0) @binding(4) var<storage, read> exclude_ids: array<u32>;
@group(0) @binding(5) var<storage, read_write> counts: array<u32>;
@group(0) @binding(6) var<storage, read_write> candidate: array<i32>;
@group(0) @binding(7) var<uniform> parameters: Parameters;

// Of the lane's four queries: items listed, the excluded item that comes next, and where it and the list's end are.
var<private> listed: vec4u;
var<private> gone: vec4u;
var<private> cursor: vec4u;
var<private> end: vec4u;

fn begin_list(r: u32, row: u32) {
  if (row < parameters.queries) {
    cursor[r] = exclude_offsets[row];
    end[r] = exclude_offsets[row + 1u];
    if (parameters.first > 0u) {
      listed[r] = counts[row];
    }
  }
  gone[r] = next_gone(r);
}

fn next_gone(r: u32) -> u32 {
  if (cursor[r] < end[r]) {
    return exclude_ids[cursor[r]];
  }
  return 0xffffffffu;
}

// Lists the first item of a tile whose bit is 1 in `above`, for one of the four queries, and gives back the others.
fn list_first(r: u32, above: u32, row: u32, first: u32) -> u32 {
  if (above == 0u) {
    return 0u;
  }
  let item = first + countTrailingZeros(above);
  while (gone[r] < item) {
    cursor[r] += 1u;
    gone[r] = next_gone(r);
  }
  if (gone[r] != item) {
    if (listed[r] < parameters.capacity) {
      candidate[row * parameters.capacity + listed[r]] = i32(item);
    }
    listed[r] += 1u;
  }
  return above & (above - 1u);
}

fn end_list(r: u32, row: u32) {
  if (row < parameters.queries) {
    counts[row] = listed[r];
    for (var rest = listed[r]; rest < parameters.capacity; rest += 1u) {
      candidate[row * parameters.capacity + rest] = -1;
    }
  }
}

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first_row = linear_group(group, groups) * TILE_ROWS;
  if (first_row >= parameters.queries) {
    return;
  }
  let row = first_row + lane;
  let depth = parameters.width / 4u;
  // Lanes beyond the last query multiply with the others and list nothing.
  let last = parameters.queries - 1u;
  let rows = vec4u(row, row + 8u, row + 16u, row + 24u);
  let there = min(rows, vec4u(last));
  let at = there * depth;
  let ranked = there * parameters.ranks + (parameters.ranks - 1u);
  let given = vec4f(bound[ranked.x], bound[ranked.y], bound[ranked.z], bound[ranked.w]);
  let bounds = select(given, vec4f(HIGHEST), rows > vec4u(last));
  begin_list(0u, rows.x);
  begin_list(1u, rows.y);
  begin_list(2u, rows.z);
  begin_list(3u, rows.w);
  for (var first = parameters.first; first < parameters.end; first += TILE_ITEMS) {
    // Lanes beyond the last item load what is there.
    let own_items = min(vec4u(first + 4u * lane) + vec4u(0u, 1u, 2u, 3u), vec4u(parameters.end - 1u)) * depth;
    var sum = Tile();
    for (var k = 0u; k < depth; k += 1u) {
      let a = mat4x4f(texel(query, at.x + k), texel(query, at.y + k), texel(query, at.z + k), texel(query, at.w + k));
      let own = mat4x4f(
        texel(database, own_items.x + k),
        texel(database, own_items.y + k),
        texel(database, own_items.z + k),
        texel(database, own_items.w + k),
      );
      add_products(&sum, a, own);
    }
    var above = vec4u();
    for (var c = 0u; c < TILE_COLUMNS; c++) {
      for (var j = 0u; j < 4u; j++) {
        above |= select(vec4u(), vec4u(1u << (4u * c + j)), sum[c][j] > bounds);
      }
    }
    // The items of the last tile that there are.
    above &= vec4u(0xffffffffu >> (TILE_ITEMS - min(TILE_ITEMS, parameters.end - first)));
    while (any(above != vec4u())) {
      above.x = list_first(0u, above.x, rows.x, first);
      above.y = list_first(1u, above.y, rows.y, first);
      above.z = list_first(2u, above.z, rows.z, first);
      above.w = list_first(3u, above.w, rows.w, first);
    }
  }
  end_list(0u, rows.x);
  end_list(1u, rows.y);
  end_list(2u, rows.z);
  end_list(3u, rows.w);
}
