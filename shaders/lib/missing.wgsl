// The row or node number that stands for none.
const MISSING = 0xffffffffu;
