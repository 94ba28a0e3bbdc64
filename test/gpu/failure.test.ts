import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  Gpu,
  GpuError,
  GpuLostError,
  GpuOutOfMemoryError,
  GpuUnavailableError,
  GpuValidationError,
  type Program,
  type Tensor,
} from '../../src/gpu/index.js';

// Each test ruins a device of its own.
const opened: Gpu[] = [];
afterEach(() => {
  for (const gpu of opened.splice(0)) gpu.destroy();
});

interface Ruin {
  readonly gpu: Gpu;
  readonly values: Tensor<'u32'>;
  readonly program: Program;
}

/** A device with a tensor and a compiled program, to be ruined. */
async function open(): Promise<Ruin> {
  const gpu = await Gpu.open();
  opened.push(gpu);
  const values = gpu.tensor('u32', [4], 'values', new Uint32Array([1, 2, 3, 4]));
  const program = gpu.program('advance');
  program.dispatch('optim/advance', { bind: { state: values }, workgroups: 1 });
  await program.compile();
  program.run();
  expect([...(await values.read())]).toEqual([2, 2, 3, 4]);
  return { gpu, values, program };
}

/** From now on everything that could give or change data is refused with the same error. */
async function expectRuined({ gpu, values, program }: Ruin, type: typeof GpuError): Promise<void> {
  await expect(values.read()).rejects.toBeInstanceOf(type);
  await expect(values.read(1, 1)).rejects.toBeInstanceOf(type);
  await expect(values.read(0, 0)).rejects.toBeInstanceOf(type);
  await expect(gpu.finish()).rejects.toBeInstanceOf(type);
  expect(() => program.run()).toThrow(type);
  expect(() => values.write(new Uint32Array(4))).toThrow(type);
  expect(() => gpu.tensor('f32', [1], 'another')).toThrow(type);
  expect(() => gpu.throwIfFailed()).toThrow(type);
}

describe('a lost device', () => {
  test('rejects what is pending and all that follows', async () => {
    const ruin = await open();
    const { gpu, values, program } = ruin;
    program.run(1000);
    const pending = [values.read(), values.read(2, 1), gpu.finish()];
    gpu.device.destroy();
    for (const outcome of await Promise.allSettled(pending)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(GpuLostError) });
    }
    await expectRuined(ruin, GpuLostError);
  });

  test('rejects a read that begins in the same breath', async () => {
    const ruin = await open();
    ruin.gpu.device.destroy();
    const pending = [ruin.values.read(), ruin.gpu.finish()];
    for (const outcome of await Promise.allSettled(pending)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(GpuLostError) });
    }
    await expectRuined(ruin, GpuLostError);
  });

  test('rejects a compilation that is pending', async () => {
    const { gpu } = await open();
    using state = gpu.tensor('u32', [4], 'state');
    const program = gpu.program('late');
    program.dispatch('optim/advance', { bind: { state }, workgroups: 1 });
    program.dispatch('scan/exclusive', {
      bind: { values: state, sums: gpu.tensor('u32', [5], 'sums') },
      parameters: { count: 4 },
      workgroups: 1,
    });
    const compiling = program.compile();
    gpu.device.destroy();
    await expect(compiling).rejects.toBeInstanceOf(GpuLostError);
  });

  test('leaves another device of the process alone', async () => {
    const [one, other] = [await open(), await open()];
    one.gpu.device.destroy();
    await expect(one.values.read()).rejects.toBeInstanceOf(GpuLostError);
    expect([...(await other.values.read())]).toEqual([2, 2, 3, 4]);
  });
});

describe('an invalid command', () => {
  /** Submits a copy out of a buffer that may not be copied from. */
  function submitInvalid(gpu: Gpu): void {
    const buffer = gpu.device.createBuffer({ label: 'write-only', size: 16, usage: GPUBufferUsage.COPY_DST });
    const encoder = gpu.device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, 0, buffer, 8, 8);
    gpu.device.queue.submit([encoder.finish()]);
  }

  test('rejects reads that were pending, reads that follow, and all else', async () => {
    const ruin = await open();
    submitInvalid(ruin.gpu);
    await expect(ruin.values.read()).rejects.toThrow(/the device refused a command.*write-only/s);
    await expectRuined(ruin, GpuValidationError);
  });

  test('between a run and its reading never lets the data through', async () => {
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const { gpu, values, program } = await open();
      program.run(attempt);
      submitInvalid(gpu);
      const outcomes = await Promise.allSettled([values.read(), gpu.finish()]);
      expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
      gpu.destroy();
    }
  });

  test('is kept, and a later loss does not replace it', async () => {
    const ruin = await open();
    submitInvalid(ruin.gpu);
    await expect(ruin.gpu.finish()).rejects.toBeInstanceOf(GpuValidationError);
    ruin.gpu.device.destroy();
    await ruin.gpu.device.lost;
    await expectRuined(ruin, GpuValidationError);
  });
});

describe('a command that the device refuses when it is submitted', () => {
  test('is named by program, kernel and variable', async () => {
    const { gpu, values, program } = await open();
    values.buffer.destroy();
    program.run();
    await expect(gpu.finish()).rejects.toMatchObject({
      message: expect.stringContaining('[Buffer "values"]'),
      details: { where: 'advance: the kernel optim/advance, its variable state' },
    });
    await expect(gpu.living()).rejects.toBeInstanceOf(GpuValidationError);
  });

  test('or, where a binding is wrong, by kernel and variable', async () => {
    const { gpu } = await open();
    const wrong = gpu.tensor('u32', [4], 'wrong');
    const usage = GPUBufferUsage.UNIFORM;
    Object.assign(wrong, { buffer: gpu.device.createBuffer({ label: 'uniform', size: 16, usage }) });
    gpu.kernel('optim/advance').bind({ state: wrong }, {}, undefined);
    await expect(gpu.finish()).rejects.toMatchObject({
      details: { where: 'the kernel optim/advance, its variable state' },
    });
  });
});

describe('the device that takes the place of a lost one', () => {
  test('is one for all who ask, like the one before, and goes with it', async () => {
    const ruin = await open();
    expect(await ruin.gpu.living()).toBe(ruin.gpu);
    ruin.gpu.device.destroy();
    await expect(ruin.gpu.finish()).rejects.toBeInstanceOf(GpuLostError);
    const [one, other] = await Promise.all([ruin.gpu.living(), ruin.gpu.living()]);
    expect(one).toBe(other);
    expect([one.name, one.features, one.bindable]).toEqual([ruin.gpu.name, ruin.gpu.features, ruin.gpu.bindable]);
    const values = one.tensor('u32', [2], 'values', new Uint32Array([7, 8]));
    expect([...(await values.read())]).toEqual([7, 8]);
    await expectRuined(ruin, GpuLostError);

    one.fail(new GpuLostError('lost, too'));
    const third = await ruin.gpu.living();
    expect(third).not.toBe(one);
    expect(await one.living()).toBe(third);
    ruin.gpu.destroy();
    await new Promise((resolve) => setTimeout(resolve));
    expect(() => third.throwIfFailed()).toThrow(/after it was closed/);
    await expect(ruin.gpu.living()).rejects.toThrow(/after it was closed/);
  });

  test('is asked for again where there was none', async () => {
    const { gpu } = await open();
    gpu.fail(new GpuLostError('lost'));
    const opening = vi.spyOn(Gpu, 'open').mockRejectedValueOnce(new GpuUnavailableError('the driver restarts'));
    await expect(gpu.living()).rejects.toThrow('the driver restarts');
    const next = await gpu.living();
    expect(opening).toHaveBeenCalledTimes(2);
    expect(next).not.toBe(gpu);
    opening.mockRestore();
  });
});

describe('out of memory', () => {
  test('a tensor beyond what the device binds is refused before it is allocated, and nothing is ruined', async () => {
    const { gpu, values } = await open();
    const limit = Math.min(gpu.limits.maxStorageBufferBindingSize, gpu.limits.maxBufferSize);
    let allocated = 0;
    const { createBuffer } = gpu.device;
    gpu.device.createBuffer = (descriptor) => {
      allocated += 1;
      return createBuffer.call(gpu.device, descriptor);
    };
    expect(() => gpu.tensor('f32', [limit / 4 + 1], 'embeddings')).toThrow(GpuOutOfMemoryError);
    expect(() => gpu.tensor('f32', [2 ** 26, 2 ** 26], 'embeddings')).toThrow(
      new RegExp(`embeddings \\[67108864, 67108864\\] needs \\d+ bytes, this device binds ${limit} at most`),
    );
    expect(allocated).toBe(0);
    expect([...(await values.read())]).toEqual([2, 2, 3, 4]);
    // Read through the buffer that was made for the reading in `open`.
    expect(allocated).toBe(0);
  });

  /** Makes the next error scope of the device report that memory ran out. */
  function injectOutOfMemory(gpu: Gpu): void {
    const { popErrorScope } = gpu.device;
    gpu.device.popErrorScope = async () => {
      gpu.device.popErrorScope = popErrorScope;
      await popErrorScope.call(gpu.device);
      return new GPUOutOfMemoryError('VK_ERROR_OUT_OF_DEVICE_MEMORY\n    at vkAllocateMemory');
    };
  }

  test('an allocation that the device could not make rejects all that follows', async () => {
    const ruin = await open();
    injectOutOfMemory(ruin.gpu);
    ruin.gpu.tensor('f32', [100], 'moments');
    await expect(ruin.values.read()).rejects.toMatchObject({
      message: 'out of GPU memory: VK_ERROR_OUT_OF_DEVICE_MEMORY',
      details: { where: 'allocating moments of 400 bytes', fix: expect.stringMatching(/smaller batch/) },
    });
    await expectRuined(ruin, GpuOutOfMemoryError);
  });

  test('room for reading back that the device could not make rejects the reading', async () => {
    const ruin = await open();
    const large = ruin.gpu.tensor('f32', [100_000], 'large');
    await ruin.gpu.finish();
    injectOutOfMemory(ruin.gpu);
    await expect(large.read()).rejects.toMatchObject({ details: { where: 'reading back large' } });
    await expectRuined(ruin, GpuOutOfMemoryError);
  });
});

describe('a closed device', () => {
  test('refuses everything, and closing it again does nothing', async () => {
    const ruin = await open();
    ruin.gpu.destroy();
    ruin.gpu.destroy();
    await expectRuined(ruin, GpuError);
    await expect(ruin.values.read()).rejects.toThrow(/used after it was closed/);
  });

  test('rejects what is pending', async () => {
    const { gpu, values } = await open();
    const pending = [values.read(), gpu.finish()];
    gpu.destroy();
    for (const outcome of await Promise.allSettled(pending)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(GpuError) });
    }
  });

  test('destroys its tensors without complaint', async () => {
    const { gpu, values, program } = await open();
    gpu.destroy();
    program.destroy();
    values.destroy();
    expect(gpu.memory().live).toBe(0);
  });
});

test('another adapter cannot be chosen once the process has chosen one, and is not ignored', async () => {
  await open();
  const error = await Gpu.open({ adapter: 'no such adapter' }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(GpuUnavailableError);
  expect((error as Error).message).toMatch(/no such adapter/);
});
