// Tensors of floats as images (src/gpu/images.ts copies them there): four floats a texel, one after another in lines of
// LINE texels. From an image a driver on the CPU loads a texel for eight lanes in some 10 ns; from a buffer, where each
// lane and each float is a piece of scalar code, in 30.

const LINE = 4096u;

// Floats 4 at to 4 at + 3 of the tensor.
fn texel(image: texture_storage_2d<rgba32float, read>, at: u32) -> vec4f {
  return textureLoad(image, vec2u(at % LINE, at / LINE));
}
