import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Gpu, Program, TensorScope } from '../../src/gpu/index.js';
import { Graph, type HostGraph } from '../../src/layers/graph.js';
import { NodeSet } from '../../src/layers/node_set.js';
import { SageEncoder, type SageOptions } from '../../src/layers/sage.js';
import { SageEncoding } from '../../src/layers/sage_encoding.js';
import { FullPass, SampledPass } from '../../src/layers/sage_passes.js';
import { useGpu } from '../support/gpu.js';
import { anyGraph, floats, graphOf } from '../support/graphs.js';
import { expectClose } from '../support/kernels.js';
import { hostOf } from '../train/device_step.js';
import { encode, encodeBackward } from '../train/reference_step.js';

const gpu = useGpu();

const anyOptions: fc.Arbitrary<SageOptions> = fc.record({
  inputWidth: fc.constantFrom(4, 8, 20),
  widths: fc.array(fc.constantFrom(4, 12, 16), { minLength: 1, maxLength: 3 }),
  bits: fc.constantFrom(8, 24),
  aggregation: fc.constantFrom('joint', 'concat'),
  weights: fc.constantFrom('shared', 'separate'),
  activation: fc.constantFrom('leaky-relu', 'tanh', 'none'),
});

/** An encoder with random parameters, and a program; everything is freed at the end. */
async function withEncoder<T>(
  device: Gpu,
  host: HostGraph,
  options: SageOptions,
  use: (tools: {
    scope: TensorScope;
    encoder: SageEncoder;
    program: Program;
    values: Map<string, Float32Array>;
  }) => Promise<T>,
): Promise<T> {
  const scope = device.scope();
  const program = device.program('test of the encoder');
  try {
    const encoder = new SageEncoder(scope, new Graph(scope, host), options, true);
    const values = new Map<string, Float32Array>();
    encoder.parameters().forEach(({ name, tensor }, index) => {
      const value = floats(tensor.length, index + 1).map((x) => x / 4);
      tensor.write(value);
      values.set(name, value);
    });
    return await use({ scope, encoder, program, values });
  } finally {
    program.destroy();
    scope.destroy();
  }
}

/** The set of these nodes, recorded into the program. */
function setOf(scope: TensorScope, program: Program, host: HostGraph, nodes: readonly number[]): NodeSet {
  const list = scope.tensor('u32', [nodes.length], 'list', Uint32Array.from(nodes));
  const rows = scope.tensor('u32', [2], 'list rows', Uint32Array.of(nodes.length, 0));
  const set = new NodeSet(scope, {
    label: 'roots',
    nodeCount: host.userCount + host.itemCount,
    userCount: host.userCount,
    maxRows: nodes.length,
  });
  set.recordBuild(program, [{ nodes: list, rows, stride: 1, maxRows: nodes.length }]);
  return set;
}

/** Gradients of the dense parameters by their names. */
async function denseGradients({ dense }: SageEncoder): Promise<Map<string, Float32Array>> {
  const gradients = new Map<string, Float32Array>();
  for (const { name, layer } of dense) {
    gradients.set(`${name}.weight`, await layer.weightGradient.read());
    gradients.set(`${name}.bias`, await layer.biasGradient.read());
  }
  return gradients;
}

const neighboursOf = ({ userCount, itemCount, offsets, neighbours }: HostGraph) =>
  Array.from({ length: userCount + itemCount }, (_, node) => [
    ...neighbours.subarray(offsets[node]!, offsets[node + 1]!),
  ]);

/** Close to a corner of the leaky ReLU, float32 may fall on the other side of it. */
const isSmooth = ({ activation }: SageOptions, outputs: readonly Float64Array[]) =>
  activation !== 'leaky-relu' ||
  outputs.slice(0, -1).every((values) => values.every((value) => Math.abs(value) > 1e-6));

const tolerance = { absolute: 2e-5, relative: 1e-4 };

test('parameters have the shapes that their options say, and the names of checkpoints', async () => {
  const host = hostOf(graphOf(3, 2, [[0, 1]]));
  const shapes = (options: Pick<SageOptions, 'aggregation' | 'weights'>) =>
    withEncoder(
      gpu(),
      host,
      { inputWidth: 8, widths: [12, 4], bits: 16, activation: 'tanh', ...options },
      async ({ encoder }) => Object.fromEntries(encoder.parameters().map(({ name, tensor }) => [name, tensor.shape])),
    );
  expect(await shapes({ aggregation: 'concat', weights: 'separate' })).toEqual({
    embedding: [5, 8],
    'layers.0.weight': [2, 16, 12],
    'layers.0.bias': [2, 12],
    'layers.1.weight': [2, 24, 4],
    'layers.1.bias': [2, 4],
    'hash.weight': [2, 4, 16],
    'hash.bias': [2, 16],
  });
  expect(await shapes({ aggregation: 'joint', weights: 'shared' })).toMatchObject({
    'layers.0.weight': [1, 8, 12],
    'layers.1.weight': [1, 12, 4],
    'hash.bias': [1, 16],
  });
});

test('the pass over whole neighbourhoods and its way back agree with float64', async () => {
  await fc.assert(
    fc.asyncProperty(anyGraph, anyOptions, async (graph, options) => {
      const host = hostOf(graph);
      await withEncoder(gpu(), host, options, async ({ scope, encoder, program, values }) => {
        const pass = new FullPass(scope, encoder);
        const gradient = floats(pass.embeddings.length, 99);
        const gradientTensor = scope.tensor('f32', pass.embeddings.shape, 'gradient', gradient);
        pass.recordForward(program);
        pass.recordBackward(program, { hashed: gradientTensor });
        await program.compile();
        program.run();

        const shape = { ...options, fanouts: 'all' } as const;
        const parameters = new Map([...values].map(([name, value]) => [name, Float64Array.from(value)]));
        const lists = options.widths.map(() => neighboursOf(host));
        const encoding = encode(host, shape, parameters, lists);
        expectClose(await pass.embeddings.read(), encoding.outputs.at(-1)!, tolerance, 'embedding');
        fc.pre(isSmooth(options, encoding.outputs));
        const expected = encodeBackward(host, shape, parameters, lists, encoding, Float64Array.from(gradient));
        expectClose(await pass.inputGradient.read(), expected.get('embedding')!, tolerance, 'input gradient');
        for (const [name, values] of await denseGradients(encoder)) {
          expectClose(values, expected.get(name)!, { ...tolerance, absolute: 2e-4 }, name);
        }
      });
    }),
    { numRuns: 15 },
  );
});

/** Embeddings of all nodes by an encoding in chunks, computed twice. */
async function encodedTwice(scope: TensorScope, encoder: SageEncoder, chunkRows?: number): Promise<Float32Array[]> {
  const program = scope.own(scope.gpu.program('encoding'));
  const pass = new SageEncoding(scope, encoder, chunkRows);
  pass.recordForward(program);
  await program.compile();
  program.run();
  const first = await pass.embeddings.read();
  for (const scratch of pass.scratch) scratch.write(new Float32Array(scratch.length).fill(Number.NaN));
  program.run();
  return [first, await pass.embeddings.read()];
}

/** Graphs of several chunks of 64 nodes, the border between users and items anywhere. */
const severalChunks: fc.Arbitrary<HostGraph> = fc
  .record({ users: fc.integer({ min: 1, max: 150 }), items: fc.integer({ min: 1, max: 150 }), seed: fc.nat() })
  .map(({ users, items, seed }) =>
    hostOf(
      graphOf(
        users,
        items,
        Array.from({ length: 400 }, (_, at) => [((at + seed) * 7919) % users, ((at * seed) % 104729) % items] as const),
      ),
    ),
  );

test.each(['float', 'half'] as const)(
  'an encoding gives the same bytes in chunks of any size, those of a training pass from floats: %s',
  async (features) => {
    await fc.assert(
      fc.asyncProperty(severalChunks, anyOptions, async (host, options) => {
        await withEncoder(gpu(), host, { ...options, features }, async ({ scope, encoder, program }) => {
          const pass = new FullPass(scope, encoder);
          pass.recordForward(program);
          await program.compile();
          program.run();
          const whole = await encodedTwice(scope, encoder);
          const chunks = await encodedTwice(scope, encoder, 64);
          expect(chunks).toEqual(whole);
          expect(whole[1]).toEqual(whole[0]);
          const trained = await pass.embeddings.read();
          if (features === 'float') expect(whole[0]).toEqual(trained);
          else expect(whole[0]).not.toEqual(trained);
        });
      }),
      { numRuns: 10 },
    );
  },
);

test('embeddings from halves are those from floats but for their rounding', async () => {
  await fc.assert(
    fc.asyncProperty(anyGraph, anyOptions, async (graph, options) => {
      const encodedFrom = (features: 'float' | 'half') =>
        withEncoder(gpu(), hostOf(graph), { ...options, features }, async ({ scope, encoder }) =>
          encodedTwice(scope, encoder),
        );
      const [floats] = await encodedFrom('float');
      const [halves] = await encodedFrom('half');
      // Of a half 2^-11 is rounding. Errors grow from layer to layer as values do, which are of the order of 1 here.
      const layers = options.widths.length + 1;
      expectClose(halves!, floats!, { absolute: layers * 2 ** -10, relative: 0 }, 'embedding');
    }),
    { numRuns: 15 },
  );
});

/** Where every node has one neighbour or none, there is nothing to choose when neighbours are sampled. */
const anyMatching: fc.Arbitrary<HostGraph> = fc
  .record({ edges: fc.integer({ min: 1, max: 40 }), users: fc.nat(5), items: fc.nat(5) })
  .map(({ edges, users, items }) =>
    hostOf(
      graphOf(
        edges + users,
        edges + items,
        Array.from({ length: edges }, (_, at) => [at, edges - 1 - at] as const),
      ),
    ),
  );

test('on a matching, sampled neighbourhoods give what whole ones give, forward and back', async () => {
  const cases = fc.record({
    host: anyMatching,
    options: anyOptions,
    draws: fc.integer({ min: 1, max: 4 }),
    share: fc.constantFrom(2, 3, 1),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ host, options, draws, share }) => {
      const nodes = host.userCount + host.itemCount;
      const roots = Array.from({ length: nodes }, (_, node) => node).filter((node) => node % share === 0);
      // A joint mean weighs the node by one against all draws, so that only a single draw gives the same.
      const fanout = options.aggregation === 'joint' ? 1 : draws;
      await withEncoder(gpu(), host, options, async ({ scope, encoder, program }) => {
        const { bits } = options;
        const state = scope.tensor('u32', [4], 'state');
        const set = setOf(scope, program, host, roots);
        const sampled = new SampledPass(scope, encoder, {
          roots: set,
          fanouts: options.widths.map(() => fanout),
          seed: 1,
          state,
        });
        const rowGradient = floats(roots.length * bits, 7);
        sampled.recordSample(program);
        sampled.recordForward(program);
        const hashed = scope.tensor('f32', [roots.length, bits], 'gradient', rowGradient);
        sampled.recordBackward(program, { hashed });
        await program.compile();
        program.run();
        const embeddings = await sampled.embeddings.read();
        const ofWeights = await denseGradients(encoder);
        const inputs = await sampled.inputNodes.nodes.read();
        const [inputCount] = await sampled.inputNodes.rows.read();
        const compact = await sampled.inputGradient.read();

        const whole = gpu().program('whole neighbourhoods');
        try {
          const pass = new FullPass(scope, encoder);
          const nodeGradient = new Float32Array(nodes * bits);
          roots.forEach((node, row) => {
            nodeGradient.set(rowGradient.subarray(row * bits, (row + 1) * bits), node * bits);
          });
          pass.recordForward(whole);
          pass.recordBackward(whole, { hashed: scope.tensor('f32', [nodes, bits], 'gradient', nodeGradient) });
          await whole.compile();
          whole.run();
          const all = await pass.embeddings.read();
          const close = { absolute: 1e-5, relative: 1e-4 };
          const ofRoots = roots.flatMap((node) => [...all.subarray(node * bits, (node + 1) * bits)]);
          expectClose(embeddings, ofRoots, close, 'embedding');
          for (const [name, values] of await denseGradients(encoder)) {
            expectClose(ofWeights.get(name)!, values, { ...close, absolute: 1e-4 }, name);
          }
          const { inputWidth } = options;
          const scattered = new Float32Array(nodes * inputWidth);
          for (let row = 0; row < inputCount!; row += 1) {
            scattered.set(compact.subarray(row * inputWidth, (row + 1) * inputWidth), inputs[row]! * inputWidth);
          }
          expectClose(scattered, await pass.inputGradient.read(), close, 'input gradient');
        } finally {
          whole.destroy();
        }
      });
    }),
    { numRuns: 15 },
  );
});

test('nodes far from the roots are neither read nor trained', async () => {
  // A path user 0 – item 0 – user 1 – item 1 – … : two layers from user 0 reach user 1 and no further.
  const path = Array.from({ length: 19 }, (_, at) => [Math.ceil(at / 2), Math.floor(at / 2)] as const);
  const host = hostOf(graphOf(10, 10, path));
  const options = {
    inputWidth: 4,
    widths: [8, 4],
    bits: 8,
    aggregation: 'concat',
    weights: 'separate',
    activation: 'tanh',
  } as const;
  await withEncoder(gpu(), host, options, async ({ scope, encoder, program }) => {
    const roots = setOf(scope, program, host, [0, 0, 0]);
    const state = scope.tensor('u32', [4], 'state');
    const pass = new SampledPass(scope, encoder, { roots, fanouts: [9, 9], seed: 4, state });
    pass.recordSample(program);
    pass.recordForward(program);
    await program.compile();
    program.run();
    expect([...(await pass.rows.read())]).toEqual([1, 1]);
    const [count, users] = await pass.inputNodes.rows.read();
    expect([...(await pass.inputNodes.nodes.read(0, count))]).toEqual([0, 1, 10]);
    expect(users).toBe(2);
  });
});
