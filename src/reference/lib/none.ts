/** Marks a missing node or row, as in `shaders/lib/none.wgsl`. */
export const NONE = 0xffffffff;
