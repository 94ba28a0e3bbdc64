// Turns codes into bit slices, the layout of search/hamming_collect: a transposition of 32 × 32 bits for each block of 32
// items and each word.
//
//   database  [quads, words, 4]    codes of items, 32 bits a word, the words of four items side by side:
//                                  database[b, w] holds word w of items 4b to 4b + 3; items beyond the last are 0
//   slices    [blocks, words, 32]  bit i of slices[b, w, j] is bit j of word w of item 32b + i
//
// `blocks` of them are made from block `first` on; there must be whole blocks of quads. One invocation a block and word; five rounds swap ever smaller squares (Warren, Hacker's Delight, "Transposing a bit
// matrix"). Memory bound.

#import grid

override WORKGROUP: u32 = 64;

struct Parameters {
  first: u32,
  blocks: u32,
  words: u32,
}

@group(0) @binding(0) var<storage, read> database: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> slices: array<vec4u>;
@group(0) @binding(2) var<uniform> parameters: Parameters;

// Swaps the square above the diagonal with that below, in pairs of rows.
fn swap(rows: ptr<function, array<vec4u, 8>>, low: u32, high: u32, shift: u32, mask: u32) {
  let difference = (((*rows)[low] >> vec4u(shift)) ^ (*rows)[high]) & vec4u(mask);
  (*rows)[high] ^= difference;
  (*rows)[low] ^= difference << vec4u(shift);
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_invocation(group, groups, WORKGROUP, local);
  let word = index % parameters.words;
  if (index / parameters.words >= parameters.blocks) {
    return;
  }
  let tile = parameters.first + index / parameters.words;
  // Row 4q + c of the bit matrix is component c of rows[q].
  var rows: array<vec4u, 8>;
  for (var quad = 0u; quad < 8u; quad += 1u) {
    rows[quad] = database[(tile * 8u + quad) * parameters.words + word];
  }
  for (var quad = 0u; quad < 4u; quad += 1u) {
    swap(&rows, quad, quad + 4u, 16u, 0x0000ffffu);
  }
  for (var quad = 0u; quad < 2u; quad += 1u) {
    swap(&rows, quad, quad + 2u, 8u, 0x00ff00ffu);
    swap(&rows, quad + 4u, quad + 6u, 8u, 0x00ff00ffu);
  }
  for (var quad = 0u; quad < 8u; quad += 2u) {
    swap(&rows, quad, quad + 1u, 4u, 0x0f0f0f0fu);
  }
  for (var quad = 0u; quad < 8u; quad += 1u) {
    // The last two rounds stay within four rows.
    var row = rows[quad];
    let far = ((row.xy >> vec2u(2u)) ^ row.zw) & vec2u(0x33333333u);
    row = vec4u(row.xy ^ (far << vec2u(2u)), row.zw ^ far);
    let near = ((row.xz >> vec2u(1u)) ^ row.yw) & vec2u(0x55555555u);
    row = vec4u(row.x ^ (near.x << 1u), row.y ^ near.x, row.z ^ (near.y << 1u), row.w ^ near.y);
    slices[(tile * parameters.words + word) * 8u + quad] = row;
  }
}
