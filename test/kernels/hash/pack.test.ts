import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pack } from '../../../src/reference/hash/pack.js';
import { useGpu } from '../../support/gpu.js';
import { runKernel } from '../../support/kernels.js';

const gpu = useGpu();

async function packed(embedding: Float32Array<ArrayBuffer>, rows: number, width: number) {
  const words = rows * Math.ceil(width / 32);
  const bind = { embedding, codes: new Uint32Array(words).fill(0xdeadbeef) };
  return (await runKernel(gpu(), 'hash/pack', bind, { rows, width }, { invocations: words })).codes;
}

test('bit j of a code is bit j mod 32 of word j div 32, 1 where z >= 0, and 0 past the width', async () => {
  const cases = fc
    .record({ rows: fc.integer({ min: 1, max: 70 }), quads: fc.integer({ min: 1, max: 26 }) })
    .chain(({ rows, quads }) =>
      fc.record({
        rows: fc.constant(rows),
        width: fc.constant(quads * 4),
        values: fc.array(fc.constantFrom(-1, -1e-30, -0, 0, 1e-30, 0.5), {
          minLength: rows * quads * 4,
          maxLength: rows * quads * 4,
        }),
      }),
    );
  await fc.assert(
    fc.asyncProperty(cases, async ({ rows, width, values }) => {
      const embedding = Float32Array.from(values);
      const expected = new Float64Array(rows * Math.ceil(width / 32));
      pack({ embedding, codes: expected }, { rows, width });
      expect([...(await packed(embedding, rows, width))]).toEqual([...expected]);
    }),
    { numRuns: 25 },
  );
});

test.each([8, 40, 1024])(
  'as little-endian bytes, bit j of a code of %d bits is bit j mod 8 of byte j div 8',
  async (width) => {
    const rows = 3;
    const ones = Array.from({ length: rows * width }, (_, at) => (at * at + (at >> 3)) % 3 === 0);
    const codes = await packed(
      Float32Array.from(ones, (one) => (one ? 0.1 : -0.1)),
      rows,
      width,
    );
    const stride = Math.ceil(width / 32) * 4;
    const bytes = new Uint8Array(codes.buffer);
    for (let row = 0; row < rows; row += 1) {
      for (let bit = 0; bit < stride * 8; bit += 1) {
        const got = ((bytes[row * stride + (bit >> 3)]! >> (bit & 7)) & 1) === 1;
        expect(got, `bit ${bit} of row ${row}`).toBe(bit < width && ones[row * width + bit]);
      }
    }
  },
);

test('more words than one dimension of the grid holds', async () => {
  const [rows, width] = [65_536 * 65, 4];
  const embedding = new Float32Array(rows * width).fill(-1);
  for (const row of [0, 65_535 * 64, rows - 1]) embedding[row * width + 2] = 1;
  const codes = await packed(embedding, rows, width);
  const set = [...codes.entries()].filter(([, word]) => word !== 0);
  expect(set).toEqual([0, 65_535 * 64, rows - 1].map((row) => [row, 4]));
});
