// Tiles of a matrix product (lib/lane_tile) of one width, without a last one that is nearly empty: the 17 vectors of width 68
// make tiles of six, not of eight, eight and one. The importing file declares the override COLUMNS, vectors of four columns
// of the product.
#import lane_tile

override COLUMN_TILES = (COLUMNS + MOST_COLUMNS - 1u) / MOST_COLUMNS;
override TILE_COLUMNS = (COLUMNS + COLUMN_TILES - 1u) / COLUMN_TILES;
