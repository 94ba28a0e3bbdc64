import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HashgnnError, InputError, InterruptedError } from '../../src/base/errors.js';
import { CodeRefinement, type RefinementInput, type RefinementSettings } from '../../src/train/refinement.js';
import { useGpu } from '../support/gpu.js';
import { floats } from '../support/graphs.js';
import { type Edits, plantedShaders, withPlanted } from '../support/planted.js';

type Matrix = readonly Float64Array[];

/** Users, items, embeddings that know of each other, codes that do not, and own items. */
function problem({ users = 150, items = 90, bits = 16, width = 6, seed = 1 } = {}): RefinementInput {
  const draw = floats(users * items, seed + 9);
  const lists = Array.from({ length: users }, (_, user) =>
    Array.from({ length: items }, (_, item) => item).filter(
      // User 3 has all items, user 4 none.
      (item) => user === 3 || (user !== 4 && draw[user * items + item]! > 1.6),
    ),
  );
  const offsets = new Uint32Array(users + 1);
  lists.forEach((list, user) => {
    offsets[user + 1] = offsets[user]! + list.length;
  });
  return {
    bits,
    userCodes: Uint8Array.from(floats((users * bits) / 8, seed), (value) => (value + 2) * 64),
    itemCodes: Uint8Array.from(floats((items * bits) / 8, seed + 1), (value) => (value + 2) * 64),
    userEmbeddings: floats(users * width, seed + 2),
    itemEmbeddings: floats(items * width, seed + 3),
    own: { offsets, columns: Uint32Array.from(lists.flat()) },
  };
}

const signsOf = (codes: Uint8Array, bits: number): Float64Array[] =>
  Array.from({ length: (codes.length * 8) / bits }, (_, row) =>
    Float64Array.from({ length: bits }, (_, bit) => {
      const at = row * bits + bit;
      return (codes[at >> 3]! >> (at & 7)) & 1 ? 1 : -1;
    }),
  );
const rowsOf = (values: Float32Array, count: number): Float64Array[] =>
  Array.from({ length: count }, (_, row) =>
    Float64Array.from(values.subarray((row * values.length) / count, ((row + 1) * values.length) / count)),
  );
const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, at) => sum + value * b[at]!, 0);

/** Softmax of factor · ⟨u, i⟩ over the items that are not the user's own; 0 for those. */
function softmax(u: Matrix, i: Matrix, factor: number, { offsets, columns }: RefinementInput['own']): Float64Array[] {
  return u.map((vector, user) => {
    const own = new Set(Array.from(columns).slice(offsets[user], offsets[user + 1]));
    const powers = Float64Array.from(i, (item, at) => (own.has(at) ? 0 : Math.exp(factor * dot(vector, item))));
    const sum = powers.reduce((total, power) => total + power, 0);
    return powers.map((power) => (sum > 0 ? power / sum : 0));
  });
}

/** Mean over users of -Σ π ln π', by its definition. */
function crossEntropy(teacher: Matrix, pupil: Matrix): number {
  let sum = 0;
  teacher.forEach((row, user) => {
    row.forEach((probability, item) => {
      if (probability > 0) sum -= probability * Math.log(pupil[user]![item]!);
    });
  });
  return sum / teacher.length;
}

/** A round in float64, straight from what `shaders/refine` says. */
function roundOf(h: Float64Array[], b: Float64Array[], teacher: Matrix, scale: number, input: RefinementInput) {
  const [sinh, rise] = [Math.sinh(2 * scale), Math.cosh(2 * scale) - 1];
  const flips = { users: 0, items: 0 };
  const flipBest = (code: Float64Array, change: (bit: number) => number, mass: number) => {
    const changes = Array.from(code, (_, bit) => change(bit));
    const least = Math.min(...changes);
    if (!(least < -1e-5 * (1 + mass))) return 0;
    code[changes.indexOf(least)]! *= -1;
    return 1;
  };
  for (let flip = 0; flip < 2; flip += 1) {
    const pupil = softmax(h, b, scale, input.own);
    h.forEach((code, user) => {
      const slope = (bit: number) =>
        b.reduce((sum, item, at) => sum + (2 * scale * teacher[user]![at]! - sinh * pupil[user]![at]!) * item[bit]!, 0);
      flips.users += flipBest(code, (bit) => code[bit]! * slope(bit) + rise, 1);
    });
  }
  const pupil = softmax(h, b, scale, input.own);
  const between = crossEntropy(teacher, pupil);
  b.forEach((code, item) => {
    const mass = pupil.reduce((sum, row) => sum + row[item]!, 0);
    const slope = (bit: number) =>
      h.reduce((sum, user, at) => sum + (2 * scale * teacher[at]![item]! - sinh * pupil[at]![item]!) * user[bit]!, 0);
    flips.items += flipBest(code, (bit) => code[bit]! * slope(bit) + rise * mass, mass);
  });
  return { crossEntropy: between, flips };
}

/** Where three rounds on the device differ from three in float64: nothing where they do not. */
async function faults(gpu: ReturnType<ReturnType<typeof useGpu>>, input: RefinementInput, scoreBytes?: number) {
  const { bits } = input;
  using refinement = await CodeRefinement.create(gpu, input, scoreBytes === undefined ? {} : { scoreBytes });
  refinement.temperature = 0.7;
  const [h, b] = [signsOf(input.userCodes as Uint8Array, bits), signsOf(input.itemCodes as Uint8Array, bits)];
  const users = rowsOf(input.userEmbeddings, h.length);
  const teacher = softmax(users, rowsOf(input.itemEmbeddings, b.length), 0.7, input.own);
  const found: string[] = [];
  for (let round = 1; round <= 3; round += 1) {
    const done = await refinement.round();
    const start = crossEntropy(teacher, softmax(h, b, done.scale, input.own));
    const expected = roundOf(h, b, teacher, done.scale, input);
    const codes = await refinement.codes();
    const say = (what: string, is: unknown, twin: unknown) => found.push(`round ${round}, ${what}: ${is}, not ${twin}`);
    const near = (a: number, b: number) => Math.abs(a - b) < 1e-4 * (1 + Math.abs(b));
    if (!near(done.crossEntropy, expected.crossEntropy)) say('loss', done.crossEntropy, expected.crossEntropy);
    if (done.userFlips !== expected.flips.users) say('flips of users', done.userFlips, expected.flips.users);
    if (done.itemFlips !== expected.flips.items) say('flips of items', done.itemFlips, expected.flips.items);
    if (String(signsOf(codes.userCodes, bits)) !== String(h)) say('codes', 'of users', 'the twin’s');
    if (String(signsOf(codes.itemCodes, bits)) !== String(b)) say('codes', 'of items', 'the twin’s');
    const end = crossEntropy(teacher, softmax(h, b, done.scale, input.own));
    if (!(expected.crossEntropy <= start && end <= expected.crossEntropy)) say('descent', start, end);
  }
  return found;
}

describe('rounds', () => {
  const gpu = useGpu();

  test('are those in float64, and lower the cross-entropy by its definition', async () => {
    const shapes = fc.record({
      users: fc.integer({ min: 5, max: 140 }),
      items: fc.integer({ min: 5, max: 80 }),
      bits: fc.constantFrom(8, 24, 32),
      width: fc.integer({ min: 1, max: 9 }),
      seed: fc.nat(1000),
    });
    await fc.assert(
      fc.asyncProperty(shapes, async (shape) => {
        expect(await faults(gpu(), problem(shape))).toEqual([]);
      }),
      { numRuns: 8 },
    );
  });

  test('of users in parts, of at most 64, are those of all together', async () => {
    expect(await faults(gpu(), problem({ users: 150 }), 1)).toEqual([]);
  });

  test('after another temperature are by the embeddings at that one, whether or not all users are one part', async () => {
    const refined = async (settings: RefinementSettings) => {
      using refinement = await CodeRefinement.create(gpu(), problem(), settings);
      for (const temperature of [0.3, 3]) {
        refinement.temperature = temperature;
        await refinement.round();
      }
      return refinement.codes();
    };
    expect(await refined({})).toEqual(await refined({ scoreBytes: 1 }));
  });

  test('repeated from the same codes give the same codes', async () => {
    const refined = async () => {
      using refinement = await CodeRefinement.create(gpu(), problem());
      refinement.temperature = 2;
      for (let round = 0; round < 4; round += 1) await refinement.round();
      return refinement.codes();
    };
    expect(await refined()).toEqual(await refined());
  });

  test('bring codes that know nothing near to what the embeddings say', async () => {
    const input = problem({ bits: 32 });
    const teacher = (factor: number) => {
      const users = rowsOf(input.userEmbeddings, 150);
      return softmax(users, rowsOf(input.itemEmbeddings, 90), factor, input.own);
    };
    using refinement = await CodeRefinement.create(gpu(), input);
    refinement.temperature = 0.7;
    const losses: number[] = [];
    for (let round = 0; round < 20; round += 1) losses.push((await refinement.round()).crossEntropy);
    // No codes can be below the entropy of the embeddings' probabilities.
    const bound = crossEntropy(teacher(0.7), teacher(0.7));
    expect(losses.at(-1)! - bound).toBeLessThan(0.25 * (losses[0]! - bound));
    expect(losses.at(-1)).toBeGreaterThan(bound);
  });

  test('stop between two parts where they are told to, and can be asked for again', async () => {
    using refinement = await CodeRefinement.create(gpu(), problem(), { scoreBytes: 1 });
    refinement.temperature = 1;
    const controller = new AbortController();
    const parts: number[] = [];
    const stopped = refinement.round(controller.signal, (users) => {
      parts.push(users);
      if (users === 128) controller.abort();
    });
    await expect(stopped).rejects.toThrow(InterruptedError);
    expect(parts).toEqual([64, 128]);
    await refinement.round();
  });
});

describe('the temperature', () => {
  const gpu = useGpu();
  /** Two items of every user but 3, who has all, drawn from softmax(1.3 · ⟨e_u, e_i⟩) over those it has not. */
  const input = problem({ users: 140, width: 4, seed: 5 });
  const users = rowsOf(input.userEmbeddings, 140);
  const items = rowsOf(input.itemEmbeddings, 90);
  const chances = softmax(users, items, 1.3, input.own);
  const draws = floats(280, 77);
  const lists = chances.map((row, user) => {
    const drawn = [0, 1].map((at) => {
      let left = (draws[2 * user + at]! + 2) / 4;
      return row.findIndex((chance) => {
        left -= chance;
        return left < 0;
      });
    });
    return [...new Set(drawn.filter((item) => item >= 0))].sort((a, b) => a - b);
  });
  const offsets = Uint32Array.from([0, ...lists.map((_, user) => lists.slice(0, user + 1).flat().length)]);
  const held = { offsets, columns: Uint32Array.from(lists.flat()) };

  test('is where the held items are likeliest', async () => {
    using refinement = await CodeRefinement.create(gpu(), input, { scoreBytes: 1 });
    const found = await refinement.fitTemperature(held);
    const unlikely = (factor: number) => {
      const rows = softmax(users, items, factor, input.own);
      return lists.reduce(
        (sum, list, user) => sum - list.reduce((all, item) => all + Math.log(rows[user]![item]!), 0),
        0,
      );
    };
    expect(unlikely(found)).toBeLessThan(unlikely(0.98 * found));
    expect(unlikely(found)).toBeLessThan(unlikely(1.02 * found));
    expect(found).toBeGreaterThan(1);
    expect(found).toBeLessThan(1.7);
  });

  test('is not found by embeddings that rank held items lowest', async () => {
    const turned = { ...input, userEmbeddings: input.userEmbeddings.map((value) => -value) };
    using refinement = await CodeRefinement.create(gpu(), turned);
    await expect(refinement.fitTemperature(held)).rejects.toThrow(HashgnnError);
    await expect(refinement.fitTemperature(held)).rejects.toThrow('do not rank validation items above others');
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('cannot be %s', async (value) => {
    using refinement = await CodeRefinement.create(gpu(), input);
    expect(() => {
      refinement.temperature = value;
    }).toThrow(InputError);
  });
});

describe('what does not belong together is refused', () => {
  const gpu = useGpu();
  const good = problem();
  const short = good.userEmbeddings.slice(1);
  const broken = good.itemEmbeddings.map((value, at) => (at === 7 ? Number.NaN : value));
  test.each<[string, Partial<RefinementInput>, string]>([
    ['embeddings of another number of users', { userEmbeddings: short }, 'no embeddings of one width'],
    ['an embedding that is not finite', { itemEmbeddings: broken }, 'NaN is no finite number'],
    ['embeddings too large', { userEmbeddings: good.userEmbeddings.map((value) => 1e15 * value) }, 'too large'],
    ['no users', { userCodes: new Uint8Array(0) }, 'no codes to refine'],
    ['lists of other users', { own: { offsets: new Uint32Array(3), columns: new Uint32Array(0) } }, 'own items'],
  ])('%s', async (_, change, message) => {
    const refused = CodeRefinement.create(gpu(), { ...good, ...change });
    await expect(refused).rejects.toThrow(InputError);
    const error = await refused.catch((error: InputError) => error);
    expect((error as InputError).describe()).toContain(message);
  });
});

const planted: [what: string, edits: Edits][] = [
  ['the pull of the teacher', { 'refine/directions': ['2.0 * scale * teacher[', '1.9 * scale * teacher['] }],
  ['the push of the codes', { 'refine/directions': ['- factors[1] * probability', '+ factors[1] * probability'] }],
  ['own items', { 'refine/directions': ['scores[first + columns[entry]] = OWN;', ''] }],
  ['own items of the teacher', { 'refine/probabilities': ['scores[first + columns[entry]] = OWN;', ''] }],
  ['the mass of items', { 'refine/mass': ['mass[at] += sum / factors[1];', 'mass[at] += sum;'] }],
  ['the curvature', { 'refine/flip': ['lowest + factors[2] * mass[node]', 'lowest - factors[2] * mass[node]'] }],
];

describe('a planted error is found', () => {
  const gpu = useGpu({ shaders: plantedShaders(planted.map(([, edits]) => edits)) });
  test.each(planted.map(([what, edits], index) => [what, edits, index] as const))('%s', async (_, edits, index) => {
    const found = await withPlanted(gpu(), edits, index, () => faults(gpu(), problem({ users: 40, items: 30 })));
    expect(found).not.toEqual([]);
  });
});
