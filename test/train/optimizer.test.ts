import { describe, expect, test } from 'vitest';
import { adam } from '../../src/reference/optim/adam.js';
import { Adam, type AdamOptions, recordAdvance, replayedSteps, type TableUpdates } from '../../src/train/optimizer.js';
import { scheduleTable } from '../../src/train/schedule.js';
import { useGpu } from '../support/gpu.js';
import { expectClose } from '../support/kernels.js';

const gpu = useGpu();

const constant = {
  guidanceStart: 0,
  guidanceFrom: 0,
  guidanceEvery: 1,
  guidanceBy: 0,
  guidanceRule: 'subtract' as const,
  guidanceFloor: 0,
};

/** A scope with state and schedule, destroyed after `use`. */
async function training<T>(
  steps: number,
  learningRate: number,
  use: (io: ReturnType<typeof open>) => Promise<T>,
): Promise<T> {
  const io = open(steps, learningRate);
  try {
    return await use(io);
  } finally {
    io.program.destroy();
    io.scope.destroy();
  }
}

function open(steps: number, learningRate: number) {
  const scope = gpu().scope();
  const table = scheduleTable({ ...constant, steps, learningRate, decay: 'cosine', warmup: 5 });
  return {
    scope,
    table,
    program: gpu().program('test of the optimizer'),
    state: scope.tensor('u32', [4], 'state'),
    schedule: scope.tensor('f32', [steps, 4], 'schedule', table),
  };
}

test.each<[string, AdamOptions]>([
  ['plain', {}],
  ['with weight decay and other constants', { beta1: 0.8, beta2: 0.99, epsilon: 1e-4, weightDecay: 0.05 }],
])('300 steps, %s, follow the float64 twin', async (_, options) => {
  const steps = 300;
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 } = options;
  await training(steps, 0.01, async ({ scope, program, state }) => {
    const table = scheduleTable({ ...constant, steps, learningRate: 0.01, beta1, beta2 });
    const schedule = scope.tensor('f32', [steps, 4], 'other schedule', table);
    const start = Float32Array.from({ length: 7 }, (_, at) => at / 3 - 1);
    // One parameter whose length is a multiple of 4 and one whose length is not, with the same first elements.
    const optimizer = new Adam(scope, options);
    const sizes = [4, 7];
    const parameters = sizes.map((size) => scope.tensor('f32', [size], `w${size}`, start.slice(0, size)));
    const gradients = sizes.map((size) => scope.tensor('f32', [size], `g${size}`));
    parameters.forEach((parameter, at) => {
      optimizer.add(`w${sizes[at]}`, parameter, gradients[at]!);
    });
    optimizer.record(program, { state, schedule });
    recordAdvance(program, state);
    await program.compile();
    const twin = {
      parameter: Float64Array.from(start),
      first_moment: new Float64Array(7),
      second_moment: new Float64Array(7),
    };
    for (let step = 0; step < steps; step += 1) {
      const gradient = Float32Array.from({ length: 7 }, (_, at) => Math.sin(step * 0.1 * at) + 0.3 * at - 1);
      sizes.forEach((size, at) => {
        gradients[at]!.write(gradient.slice(0, size));
      });
      program.run();
      adam(
        { ...twin, gradient, state: [step], schedule: table },
        {
          count: 7,
          beta1: Math.fround(beta1),
          beta2: Math.fround(beta2),
          epsilon: Math.fround(epsilon),
          weight_decay: Math.fround(weightDecay),
        },
      );
    }
    expect((await state.read())[0]).toBe(steps);
    const moved = twin.parameter.map((value, at) => value - start[at]!);
    expect(Math.max(...moved.map(Math.abs))).toBeGreaterThan(0.5);
    for (const [at, size] of sizes.entries()) {
      const got = await parameters[at]!.read();
      expectClose(got, twin.parameter.slice(0, size), { absolute: 2e-5, relative: 2e-5 }, `w${size}`);
    }
    const names = optimizer.moments().map(({ name }) => name);
    expect(names).toEqual(['w4.first_moment', 'w4.second_moment', 'w7.first_moment', 'w7.second_moment']);
    expectClose(await optimizer.moments()[2]!.tensor.read(), twin.first_moment, { absolute: 1e-5 });
    expectClose(await optimizer.moments()[3]!.tensor.read(), twin.second_moment, { absolute: 1e-5 });
  });
});

describe('tables', () => {
  const [nodes, width] = [40, 8];
  const start = Float32Array.from({ length: nodes * width }, (_, at) => Math.cos(at));

  /**
   * `steps` steps in which other nodes are active each time, some of them not for long; gives back the table and its
   * moments. All rows are brought up to date at the end and before the steps in `flushes`.
   */
  const trainAll = (
    updates: TableUpdates | 'scattered',
    { steps = 20, flushes = [], ...options }: { steps?: number; flushes?: number[] } & AdamOptions = {},
  ) =>
    training(steps, 0.05, async ({ scope, program, state, schedule }) => {
      const table = scope.tensor('f32', [nodes, width], 'table', start);
      const gradient = scope.tensor('f32', [updates === 'scattered' ? nodes : 12, width], 'table gradient');
      const active = {
        bits: scope.tensor('u32', [2], 'bits'),
        ranks: scope.tensor('u32', [3], 'ranks'),
        nodes: scope.tensor('u32', [12], 'nodes'),
        rows: scope.tensor('u32', [2], 'rows'),
      };
      const optimizer = new Adam(scope, options);
      if (updates === 'scattered') optimizer.add('table', table, gradient);
      else optimizer.addTable('table', table, gradient, active, updates);
      optimizer.recordCatchUp(program, { state, schedule });
      optimizer.record(program, { state, schedule });
      recordAdvance(program, state);
      const flush = scope.own(gpu().program('flush'));
      optimizer.recordFlush(flush, { state, schedule });
      await Promise.all([program.compile(), flush.compile()]);
      for (let step = 0; step < steps; step += 1) {
        if (flushes.includes(step)) flush.run();
        // Node 0 is never among them, after step 20 nodes 1 to 4 alone are, and after step 40 node 4 and, at last, node 3.
        const chosen = [...Array(nodes).keys()].filter(
          (node) =>
            node > 0 &&
            (step < 20
              ? (node * 7 + step * 3) % 5 === 0
              : step < 40
                ? node <= 4
                : node === 4 || (node === 3 && step === steps - 2)),
        );
        const rows = Float32Array.from({ length: chosen.length * width }, (_, at) => Math.sin(at + step));
        if (updates === 'scattered') {
          const scattered = new Float32Array(nodes * width);
          chosen.forEach((node, row) => {
            scattered.set(rows.subarray(row * width, (row + 1) * width), node * width);
          });
          gradient.write(scattered);
        } else {
          const bits = new Uint32Array(2);
          for (const node of chosen) bits[node >> 5]! |= 1 << (node & 31);
          gradient.write(rows);
          active.bits.write(bits);
          active.ranks.write(Uint32Array.of(0, chosen.filter((node) => node < 32).length, chosen.length));
          active.nodes.write(Uint32Array.from(chosen));
          active.rows.write(Uint32Array.of(chosen.length, 0));
        }
        program.run();
      }
      flush.run();
      const tensors = [table, ...optimizer.moments().map(({ tensor }) => tensor)];
      const [values, first, second] = await Promise.all(tensors.map((tensor) => tensor.read()));
      return { values: values!, first: first!, second: second! };
    });
  const train = async (updates: TableUpdates | 'scattered') => (await trainAll(updates)).values;

  test('dense updates are Adam on the scattered gradient to the last bit, over many steps', async () => {
    const dense = await train('dense');
    expect([...dense]).toEqual([...(await train('scattered'))]);
    expect([...(await train('dense'))]).toEqual([...dense]);
  });

  test.each([
    ['20 steps', {}],
    ['weight decay', { weightDecay: 0.01 }],
    ['rows brought up to date now and then', { flushes: [0, 3, 4, 19] }],
    ['rows that wait for 400 steps and more', { steps: 480 }],
    ['such rows, brought up to date in between', { steps: 480, flushes: [150, 151, 470] }],
    ['such rows with weight decay', { steps: 480, weightDecay: 0.01 }],
    ['such rows whose first moment lasts', { steps: 480, beta1: 0.99 }],
    ['such rows whose moments both pass soon', { steps: 480, beta1: 0.5, beta2: 0.9, flushes: [200] }],
    ['such rows whose moments keep their ratio', { steps: 480, beta1: 0.9, beta2: 0.81 }],
  ])('deferred updates are a sweep in every step to the last bit: %s', async (_, how) => {
    const deferred = await trainAll('deferred', how);
    const swept = await trainAll('swept', { ...how, flushes: [] });
    for (const name of ['values', 'first', 'second'] as const) {
      // A moment that has decayed to nothing is a zero of either sign.
      const unsigned = (values: Float32Array) => Array.from(values, (value) => value + 0);
      expect(unsigned(deferred[name]), name).toEqual(unsigned(swept[name]));
    }
  });

  test('as many missed steps are made as can move a parameter', () => {
    expect(replayedSteps(0.9, 0.999)).toBe(265);
    expect(replayedSteps(0.99, 0.999)).toBeGreaterThan(2900);
    expect(replayedSteps(0, 0.999)).toBe(1);
    for (const [beta1, beta2] of [
      [0.9, 0.81],
      [0.9, 0.5],
      [0.9, 0],
    ] as const) {
      expect(replayedSteps(beta1, beta2)).toBe(2 ** 32 - 1);
    }
  });

  test('dense updates defer rows where a step has few of them', async () => {
    const scope = gpu().scope();
    try {
      const made = (updates: TableUpdates, count: number, room: number) => {
        const optimizer = new Adam(scope);
        const gradient = scope.tensor('f32', [room, 4], 'gradient');
        const words = scope.tensor('u32', [Math.ceil(count / 32) + 1], 'words');
        const active = { bits: words, ranks: words, nodes: scope.tensor('u32', [room], 'nodes'), rows: words };
        optimizer.addTable('e', scope.tensor('f32', [count, 4], 'table'), gradient, active, updates);
        const program = scope.own(gpu().program('program'));
        const state = scope.tensor('u32', [4], 'state');
        optimizer.record(program, { state, schedule: scope.tensor('f32', [1, 4], 'schedule') });
        return program.dispatches.map(({ kernel }) => kernel.shader.name.replace('.lanes', ''));
      };
      expect(made('dense', 2400, 300)).toEqual(['optim/adam_rows', 'optim/adam_made']);
      expect(made('dense', 2400, 301)).toEqual(['optim/adam_table']);
      expect(made('swept', 900, 300)).toEqual(['optim/adam_table']);
      expect(made('rows', 900, 300)).toEqual(['optim/adam_rows']);
    } finally {
      scope.destroy();
    }
  });

  test('lazy updates are another algorithm, and leave alone what was never active', async () => {
    const [lazy, dense] = [await train('rows'), await train('dense')];
    expect([...lazy.subarray(0, width)]).toEqual([...start.subarray(0, width)]);
    expect(lazy.some((value, at) => Math.abs(value - dense[at]!) > 1e-3)).toBe(true);
    expect(lazy.subarray(width).every((value, at) => value !== start[at + width])).toBe(true);
  });
});

test('what does not fit is refused by name', async () => {
  await training(1, 0.1, async ({ scope }) => {
    const optimizer = new Adam(scope);
    const one = scope.tensor('f32', [1], 'one');
    const four = scope.tensor('f32', [4], 'four');
    const odd = scope.tensor('f32', [3, 6], 'odd');
    const table = scope.tensor('f32', [65, 4], 'table');
    const words = scope.tensor('u32', [2], 'words');
    const active = { bits: words, ranks: words, nodes: words, rows: words };
    expect(() => optimizer.add('w', one, four)).toThrow('w has 1 elements, its gradient four has 4');
    optimizer.add('w', one, one);
    expect(() => optimizer.add('w', four, four)).toThrow('two parameters named w');
    expect(() => optimizer.addTable('e', odd, odd, active, 'dense')).toThrow('multiple of 4');
    expect(() => optimizer.addTable('e', table, odd, active, 'dense')).toThrow('its gradient odd is [3, 6]');
    expect(() => optimizer.addTable('e', table, table, active, 'swept')).toThrow('bitmap words is too small');
    expect(() => optimizer.addTable('w', table, table, active, 'rows')).toThrow('two parameters named w');
  });
});
