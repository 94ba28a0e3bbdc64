// For kernels in which one invocation sums whole rows from anywhere, on drivers that run shaders on the CPU: there a lane
// waits for memory like any other code, and what helps is many rows under way at once. A sum goes over its rows in chunks
// of this many, whose places stay in registers while the columns pass; the compiler unrolls the loops over a chunk.

const CHUNK = 8u;
