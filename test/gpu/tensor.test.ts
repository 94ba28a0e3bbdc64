import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BindingError, type ElementType, Gpu, GpuOutOfMemoryError, type TypedArrays } from '../../src/gpu/index.js';
import { useGpu } from '../support/gpu.js';

const gpu = useGpu();

const ANY = {
  f32: fc.float32Array({ maxLength: 70, noNaN: true }),
  i32: fc.int32Array({ maxLength: 70 }),
  u32: fc.uint32Array({ maxLength: 70 }),
} as Record<ElementType, fc.Arbitrary<TypedArrays[ElementType]>>;

describe.each(['f32', 'i32', 'u32'] as const)('a tensor of %s', (element) => {
  test('gives back what was written, whole and in ranges', async () => {
    await fc.assert(
      fc.asyncProperty(ANY[element], fc.nat(), fc.nat(), async (data, a, b) => {
        using tensor = gpu().tensor(element, [data.length], 'tensor', data as never);
        expect(await tensor.read()).toEqual(data);
        const offset = a % (data.length + 1);
        const count = b % (data.length - offset + 1);
        expect(await tensor.read(offset, count)).toEqual(data.slice(offset, offset + count));
        expect(await tensor.read(offset)).toEqual(data.slice(offset));
      }),
      { numRuns: 25 },
    );
  });
});

test('a write at an offset touches its range only', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint32Array({ minLength: 1, maxLength: 50 }), fc.nat(), fc.nat(), async (data, a, b) => {
      using tensor = gpu().tensor('u32', [50], 'tensor', new Uint32Array(50).fill(7));
      const offset = a % (51 - data.length);
      const skipped = b % (data.length + 1);
      // A part of a larger array: its own place in that array must not matter.
      const part = new Uint32Array([...data]).subarray(skipped);
      tensor.write(part, offset);
      const expected = new Uint32Array(50).fill(7);
      expected.set(part, offset);
      expect(await tensor.read()).toEqual(expected);
    }),
    { numRuns: 25 },
  );
});

test('a new tensor holds zeros', async () => {
  using tensor = gpu().tensor('f32', [3, 5], 'fresh');
  expect([...(await tensor.read())]).toEqual(new Array(15).fill(0));
  expect(tensor.length).toBe(15);
});

test('a tensor of no elements can be made, written, read and bound', async () => {
  using scope = gpu().scope();
  const embedding = scope.tensor('f32', [0, 8], 'empty', new Float32Array(0));
  const code = scope.tensor('f32', [0, 8], 'empty codes');
  embedding.write(new Float32Array(0));
  expect(await embedding.read()).toEqual(new Float32Array(0));
  using program = gpu().program('over nothing');
  program.dispatch('hash/sign', { bind: { embedding, code }, parameters: { count: 0 }, invocations: 0 });
  await program.compile();
  program.run();
  expect((await code.read()).length).toBe(0);
});

test('a scalar is a tensor without extents', async () => {
  using tensor = gpu().tensor('i32', [], 'scalar', new Int32Array([-5]));
  expect([...(await tensor.read())]).toEqual([-5]);
});

describe('what does not fit is refused', () => {
  test('data of another type', () => {
    using tensor = gpu().tensor('f32', [2], 'floats');
    expect(() => tensor.write(new Uint32Array(2) as never)).toThrow(/floats holds f32, the data is a Uint32Array/);
    expect(() => tensor.write([1, 2] as never)).toThrow(/floats holds f32, the data is a Array/);
  });

  test.each([
    [0, 4],
    [1, 3],
    [4, 0],
    [-1, 1],
    [0.5, 1],
    [Number.NaN, 1],
  ])('a write at %d of %d elements into three', (offset, count) => {
    using tensor = gpu().tensor('f32', [3], 'three');
    expect(() => tensor.write(new Float32Array(count), offset)).toThrow(BindingError);
  });

  test.each([
    [0, 4],
    [2, 2],
    [4, 0],
    [-1, 1],
    [0, -1],
    [0.5, 1],
    [0, Number.NaN],
  ])('reading at %d %d elements of three', async (offset, count) => {
    using tensor = gpu().tensor('f32', [3], 'three');
    await expect(tensor.read(offset, count)).rejects.toThrow(/three of 3/);
  });

  test.each([[[-1]], [[2.5]], [[Number.NaN]], [[3, -2]]])('a shape of %j', (shape) => {
    expect(() => gpu().tensor('f32', shape, 'odd')).toThrow(/odd cannot have the shape/);
  });
});

test('a destroyed tensor is neither written nor read, and may be destroyed again', async () => {
  const tensor = gpu().tensor('u32', [4], 'gone');
  tensor.destroy();
  tensor.destroy();
  expect(tensor.destroyed).toBe(true);
  expect(() => tensor.write(new Uint32Array(4))).toThrow(/gone is used after it was destroyed/);
  await expect(tensor.read()).rejects.toThrow(/gone is used after it was destroyed/);
});

describe('the bytes on the device', () => {
  test('are told by label, and return to where they began', () => {
    const before = gpu().memory();
    {
      using scope = gpu().scope();
      scope.tensor('f32', [1000], 'weights');
      scope.tensor('u32', [8, 2], 'edges');
      using alone = gpu().tensor('f32', [1000], 'weights');
      const { live, byLabel, peak } = gpu().memory();
      expect(byLabel.get('weights')).toBe(8000);
      expect(byLabel.get('edges')).toBe(64);
      expect(live - before.live).toBe(8064);
      expect(peak).toBeGreaterThanOrEqual(live);
      alone.destroy();
      expect(gpu().memory().byLabel.get('weights')).toBe(4000);
    }
    const after = gpu().memory();
    expect(after.live).toBe(before.live);
    expect(after.byLabel).toEqual(before.byLabel);
    expect(after.peak).toBeGreaterThanOrEqual(before.live + 8064);
  });

  test('count the padding, as the device does', () => {
    using tensor = gpu().tensor('f32', [5], 'padded');
    expect(tensor.bytes).toBe(32);
    expect(gpu().memory().byLabel.get('padded')).toBe(32);
  });

  test('are not held where an allocation is refused', () => {
    const before = gpu().memory().live;
    expect(() => gpu().tensor('f32', [2 ** 40], 'too large')).toThrow(GpuOutOfMemoryError);
    expect(gpu().memory().live).toBe(before);
  });
});

test('a scope destroys what it made and what it was given', () => {
  const scope = gpu().scope();
  const made = scope.tensor('f32', [1], 'made');
  const given = scope.own(gpu().tensor('f32', [1], 'given'));
  scope.destroy();
  scope.destroy();
  expect([made.destroyed, given.destroyed]).toEqual([true, true]);
});

test('the portable profile has the default limits of WebGPU and no optional feature', async () => {
  using portable = await Gpu.open({ profile: 'portable' });
  expect([...portable.features]).toEqual([]);
  expect([...portable.device.features].filter((feature) => feature !== 'core-features-and-limits')).toEqual([]);
  expect(portable.limits.maxStorageBufferBindingSize).toBe(128 * 2 ** 20);
  expect(portable.limits.maxBufferSize).toBe(256 * 2 ** 20);
  expect(portable.limits.maxStorageBuffersPerShaderStage).toBe(8);
  expect(portable.limits.maxComputeInvocationsPerWorkgroup).toBe(256);
  expect(portable.limits.maxComputeWorkgroupSizeX).toBe(256);
  expect(portable.limits.maxComputeWorkgroupStorageSize).toBe(16384);
  expect(() => portable.kernel('hash/sign', { WORKGROUP: 512 })).toThrow(
    /512 invocations a workgroup, the device allows 256/,
  );
});

test('the best profile has every limit and feature of the adapter that it asks for', async () => {
  using best = await Gpu.open();
  using portable = await Gpu.open({ profile: 'portable' });
  expect(best.limits.maxStorageBufferBindingSize).toBeGreaterThanOrEqual(portable.limits.maxStorageBufferBindingSize);
  for (const feature of ['subgroups', 'timestamp-query'] as const) {
    expect(best.features.has(feature), feature).toBe(best.adapterFeatures.includes(feature));
  }
  expect(best.adapter.subgroupSize !== undefined).toBe(best.features.has('subgroups'));
  expect(best.name).not.toBe('');
});

describe('a view', () => {
  test('is the same memory, from its beginning, and costs none', async () => {
    using scope = gpu().scope();
    const { live } = gpu().memory();
    const base = scope.tensor('f32', [6], 'base', new Float32Array([1, 2, 3, 4, 5, 6]));
    const held = gpu().memory().live - live;
    const view = base.view([2, 2], 'view');
    expect(gpu().memory().live - live).toBe(held);
    expect([...(await view.read())]).toEqual([1, 2, 3, 4]);
    view.write(new Float32Array([9]), 3);
    expect([...(await base.read())]).toEqual([1, 2, 3, 9, 5, 6]);
  });

  test('reaches no further than itself: neither clearing nor copying touches what lies behind', async () => {
    using scope = gpu().scope();
    const base = scope.tensor('u32', [8], 'base', new Uint32Array([1, 2, 3, 4, 5, 6, 7, 8]));
    const four = scope.tensor('u32', [4], 'four', new Uint32Array([40, 41, 42, 43]));
    const whole = scope.tensor('u32', [8], 'whole', new Uint32Array(8).fill(7));
    const program = scope.own(gpu().program('views'));
    program.copy(four, base.view([4], 'first'));
    program.copy(base.view([4], 'first'), whole.view([4], 'begin'));
    program.run();
    expect([...(await base.read())]).toEqual([40, 41, 42, 43, 5, 6, 7, 8]);
    expect([...(await whole.read())]).toEqual([40, 41, 42, 43, 7, 7, 7, 7]);
    const clearing = scope.own(gpu().program('clear'));
    clearing.clear(base.view([4], 'first'));
    clearing.run();
    expect([...(await base.read())]).toEqual([0, 0, 0, 0, 5, 6, 7, 8]);
  });

  test('lives as long as its base, which it does not free', () => {
    const base = gpu().tensor('f32', [4], 'base');
    const view = base.view([4], 'view');
    view.destroy();
    expect(base.destroyed).toBe(false);
    base.destroy();
    expect(view.destroyed).toBe(true);
    expect(() => view.write(new Float32Array(4))).toThrow(/view is used after it was destroyed/);
  });

  test('may hold other elements than its base', async () => {
    using base = gpu().tensor('f32', [4], 'base', Float32Array.of(1, -2, 0.5, 0));
    const words = base.view([3], 'words', { element: 'u32' });
    expect([words.elementType, words.base]).toEqual(['u32', base]);
    expect([...(await words.read())]).toEqual([0x3f800000, 0xc0000000, 0x3f000000]);
    words.write(Uint32Array.of(0x40400000));
    expect((await base.read())[0]).toBe(3);
  });

  test('may be a part, which is read, written, bound, copied and cleared by itself', async () => {
    using scope = gpu().scope();
    const values = Float32Array.from({ length: 200 }, (_, at) => at - 100);
    const base = scope.tensor('f32', [200], 'base', values);
    const part = base.view([128], 'part', { offset: 64 }).view([8], 'part of it', { offset: 64 });
    expect(part).toMatchObject({ base, offset: 128 });
    expect([...(await part.read(2, 3))]).toEqual([30, 31, 32]);
    part.write(Float32Array.of(-5, 5), 1);
    const program = scope.own(gpu().program('part'));
    const code = scope.tensor('f32', [8], 'code');
    const copy = scope.tensor('f32', [8], 'copy');
    program.dispatch('hash/sign', { bind: { embedding: part, code }, parameters: { count: 8 }, invocations: 2 });
    program.copy(part, copy);
    program.clear(part);
    await program.compile();
    program.run();
    expect([...(await code.read())]).toEqual([1, -1, 1, 1, 1, 1, 1, 1]);
    expect([...(await copy.read())]).toEqual([28, -5, 5, 31, 32, 33, 34, 35]);
    expect(await base.read()).toEqual(values.map((value, at) => (at >= 128 && at < 136 ? 0 : value)));
  });

  test('of more than there is, or of nonsense, is refused', () => {
    using base = gpu().tensor('f32', [4], 'base');
    expect(() => base.view([1], 'view', { offset: 2 })).toThrow(/view cannot begin at element 2 of base/);
    expect(() => base.view([1], 'view', { offset: 64 })).toThrow(
      /view \[1\] does not fit base of 4 from element 64 on/,
    );
    expect(() => base.view([5], 'view')).toThrow(/view \[5\] does not fit base of 4/);
    expect(() => base.view([-1], 'view')).toThrow(/view cannot have the shape/);
  });

  test('cannot be written by a kernel that reads its base', () => {
    using scope = gpu().scope();
    const embedding = scope.tensor('f32', [4], 'z');
    const program = scope.own(gpu().program('aliases'));
    const bind = { embedding, code: embedding.view([4], 'h') };
    expect(() => program.dispatch('hash/sign', { bind, parameters: { count: 4 }, invocations: 1 })).toThrow(
      /the memory of (z and h|h and z) both as/,
    );
    expect(() => program.copy(embedding, bind.code)).toThrow(/copied to itself/);
  });
});

describe('a scope that borrows', () => {
  test('makes each tensor in the closest memory with room, each once, and the rest anew', () => {
    using scope = gpu().scope();
    const [small, large] = [scope.tensor('f32', [8], 'small'), scope.tensor('f32', [16], 'large')];
    const { live } = gpu().memory();
    const borrowing = scope.borrowing([large, small]);
    expect(borrowing.tensor('f32', [2, 3], 'a').base).toBe(small);
    expect(borrowing.tensor('u32', [4], 'of another type').base).toBeUndefined();
    expect(borrowing.tensor('f32', [1], 'with data', new Float32Array(1)).base).toBeUndefined();
    expect(borrowing.tensor('f32', [17], 'too large').base).toBeUndefined();
    expect(borrowing.tensor('f32', [7], 'b').base).toBe(large);
    expect(borrowing.tensor('f32', [1], 'c').base).toBeUndefined();
    expect(gpu().memory().live - live).toBe(16 + 16 + 80 + 16);
    expect(scope.tensors.map(({ label }) => label)).toEqual([
      ...['small', 'large', 'a', 'of another type', 'with data', 'too large', 'b', 'c'],
    ]);
  });
});
