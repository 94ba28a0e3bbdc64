// Packs continuous embeddings into binary codes: bit j of a code is 1 where z_j >= 0 (paper, eq. 3, with -1 as 0).
//
//   embedding  [rows, width]             z
//   codes      [rows, ceil(width / 32)]  bit j of a code is bit (j mod 32) of word (j div 32); bits past width are 0
//
// Read as little-endian bytes, a row whose width is a multiple of 32 is NumPy's packbits(bitorder="little"); of any
// other row the first width/8 bytes are.
//
// One invocation a word: 32 elements in, one word out. Memory bound: 4 bytes and an eighth an element.

#import grid

override WORKGROUP: u32 = 64;

struct Parameters {
  rows: u32,
  // Bits of a code, a multiple of 4.
  width: u32,
}

@group(0) @binding(0) var<storage, read> embedding: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> codes: array<u32>;
@group(0) @binding(2) var<uniform> parameters: Parameters;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_invocation(group, groups, WORKGROUP, local);
  let words = (parameters.width + 31u) / 32u;
  if (index >= parameters.rows * words) {
    return;
  }
  let columns = parameters.width / 4u;
  let start = (index % words) * 8u;
  let first = (index / words) * columns + start;
  let quads = min(8u, columns - start);
  var word = 0u;
  for (var quad = 0u; quad < quads; quad += 1u) {
    let ones = select(vec4u(), vec4u(1u, 2u, 4u, 8u), embedding[first + quad] >= vec4f());
    word |= (ones.x | ones.y | ones.z | ones.w) << (quad * 4u);
  }
  codes[index] = word;
}
