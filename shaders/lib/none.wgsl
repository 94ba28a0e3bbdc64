// Marks a missing node or row, as in src/layers and src/reference.
const NONE = 0xffffffffu;
