// A tile of a matrix product in the registers of one subgroup of eight lanes: lane l has four rows of the left matrix to
// itself, and column vector l of the right one, which the lanes hand round. A product costs one instruction and each
// loaded value serves 32 of them. The order of the statements is what a CPU with 32 vector registers wants: all that is
// added to one sum stands together, and a value is handed round where it is needed.

// The importing file declares TILE_COLUMNS, vectors of four columns of a tile, known to the compiler and no more than eight:
// each is one lane's (lib/even_tiles).

const TILE_ROWS = 32u;
const MOST_COLUMNS = 8u;

// sum[c][j], component r: the lane's row r times column 4 c + j.
alias Tile = array<mat4x4f, MOST_COLUMNS>;

// sum + a · b, term by term.
fn chain(sum: f32, a: vec4f, b: vec4f) -> f32 {
  return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum))));
}

// The same for the lane's four rows; a[r] are four steps of row r, b four steps of one column.
fn column_of(sum: vec4f, a: mat4x4f, b: vec4f) -> vec4f {
  return vec4f(chain(sum.x, a[0], b), chain(sum.y, a[1], b), chain(sum.z, a[2], b), chain(sum.w, a[3], b));
}

// Adds four steps of the product: a[r] of the lane's row r, own[j] of column j of the lane's column vector.
fn add_products(sum: ptr<function, Tile>, a: mat4x4f, own: mat4x4f) {
  for (var c = 0u; c < TILE_COLUMNS; c++) {
    (*sum)[c][0] = column_of((*sum)[c][0], a, subgroupShuffle(own[0], c));
    (*sum)[c][1] = column_of((*sum)[c][1], a, subgroupShuffle(own[1], c));
    (*sum)[c][2] = column_of((*sum)[c][2], a, subgroupShuffle(own[2], c));
    (*sum)[c][3] = column_of((*sum)[c][3], a, subgroupShuffle(own[3], c));
  }
}
