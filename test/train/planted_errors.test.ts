/**
 * Proof that the comparison of the step with its reference finds a wrong sign in any backward kernel: each is planted in
 * a copy of the shader's source and must be found in the gradients of one small step, and in nothing before them.
 */
import { expect, test } from 'vitest';
import { loadShaders } from '../../src/gpu/platform.js';
import { useGpu } from '../support/gpu.js';
import { graphOf } from '../support/graphs.js';
import { type Edits, inBothGathers, plantedShaders, withPlanted } from '../support/planted.js';
import { faultsOf, type Given, hostOf } from './device_step.js';

/** User 8 and item 6 have no edges; the batch's negatives include item 6. */
const graph = hostOf(
  graphOf(
    9,
    7,
    Array.from({ length: 30 }, (_, at) => [(at * 7) % 8, (at * 5 + Math.floor(at / 8)) % 6] as const),
  ),
);

const sampled: Given = { seed: 3, batchSize: 10, negatives: 4, triplets: 4, margin: 0.9 };
const situations = {
  sampled,
  'sampled, joint': { ...sampled, aggregation: 'joint' },
  full: { ...sampled, fanouts: 'all' },
  'full, joint': { ...sampled, fanouts: 'all', aggregation: 'joint' },
  'full, mapped first': { ...sampled, fanouts: 'all', aggregation: 'joint', weights: 'shared' },
  softplus: { ...sampled, ranking: 'softplus' },
  relaxed: { ...sampled, relaxation: 'continuation', sharpnessFrom: 0 },
  multinomial: { ...sampled, batchSize: 6, encoder: 'lightgcn', propagations: 0, objective: 'multinomial' },
  taught: {
    ...{ ...sampled, batchSize: 6, encoder: 'lightgcn', propagations: 0, objective: 'multinomial' },
    ...{ embeddings: 'vectors', embeddingWeight: 0.5, distillation: 0.5 },
  },
} satisfies Record<string, Given>;
type Situation = keyof typeof situations;

const one = (shader: string, from: string, to: string): Edits => ({ [shader]: [from, to] });

const planted: [what: string, situation: Situation, edits: Edits][] = [
  [
    'hash/relax_backward',
    'relaxed',
    one('hash/relax_backward', '(1.0 - relaxed * relaxed)', '(1.0 + relaxed * relaxed)'),
  ],
  ['what a teacher takes off', 'taught', one('loss/multinomial', 'gradient -= taught', 'gradient += taught')],
  ['the pull of a user’s own items', 'multinomial', one('loss/multinomial', '-= factor * slope', '+= factor * slope')],
  [
    'the push of all items',
    'multinomial',
    one('loss/multinomial', '= slope * count * chance', '= -slope * count * chance'),
  ],
  [
    'dense/backward_input',
    'sampled',
    {
      'dense/backward_input': ['sum += product(step + 1u,', 'sum -= product(step + 1u,'],
      'dense/backward_input.subgroups': ['chain(sum.x, a[0], b)', 'chain(sum.x, -a[0], b)'],
    },
  ],
  [
    'dense/backward_weight, weight',
    'sampled',
    {
      'dense/backward_weight': ['sum += product(step,', 'sum -= product(step,'],
      'dense/backward_weight.subgroups': ['chain(sum.x, a[0], b)', 'chain(sum.x, -a[0], b)'],
    },
  ],
  [
    'dense/backward_weight, bias',
    'sampled',
    {
      'dense/backward_weight': ['bias += right[step * ', 'bias -= right[step * '],
      'dense/backward_weight.subgroups': ['vec4f(1.0), vector == depth', 'vec4f(-1.0), vector == depth'],
    },
  ],
  ['dense/reduce_partials', 'sampled', one('dense/reduce_partials', 'sum += partial', 'sum -= partial')],
  ['dense/activation_backward', 'sampled', one('dense/activation_backward', '*= activation', '*= -activation')],
  ['the derivative of tanh', 'sampled', one('dense/activation_backward', '1.0 - value * value', '1.0 + value * value')],
  [
    'the slope of leaky ReLU, sampled',
    'sampled',
    inBothGathers('aggregate/mean_sampled_backward', 'select(vec4f(SLOPE)', 'select(vec4f(-SLOPE)'),
  ],
  [
    'the slope of leaky ReLU, full',
    'full',
    inBothGathers('aggregate/mean_full_backward', 'select(vec4f(SLOPE)', 'select(vec4f(-SLOPE)'),
  ],
  [
    'the slope of leaky ReLU, hash layer',
    'sampled',
    {
      'dense/backward_input': ['select(vec4f(SLOPE)', 'select(vec4f(-SLOPE)'],
      'dense/backward_input.subgroups': ['select(vec4f(SLOPE)', 'select(vec4f(-SLOPE)'],
    },
  ],
  ...(['sampled', 'sampled, joint'] as const).flatMap((situation): typeof planted => {
    const shader = 'aggregate/mean_sampled_backward';
    return [
      [
        `${shader}, neighbours`,
        situation,
        {
          [shader]: ['sum += output_gradient[(', 'sum -= output_gradient[('],
          [`${shader}.lanes`]: [
            'sum += strip_at(output_gradient, subgroupShuffle',
            'sum -= strip_at(output_gradient, subgroupShuffle',
          ],
        },
      ],
      [
        `${shader}, self`,
        situation,
        {
          [shader]: ['sum += output_gradient[own', 'sum -= output_gradient[own'],
          [`${shader}.lanes`]: ['sum += strip_at(output_gradient, own', 'sum -= strip_at(output_gradient, own'],
        },
      ],
    ];
  }),
  ...(['full', 'full, joint', 'full, mapped first'] as const).flatMap((situation): typeof planted => {
    const shader = 'aggregate/mean_full_backward';
    return [
      [
        `${shader}, neighbours`,
        situation,
        {
          [shader]: ['sum += output_gradient', 'sum -= output_gradient'],
          [`${shader}.lanes`]: ['return divided(strip_at', 'return -1.0 * divided(strip_at'],
        },
      ],
      [`${shader}, self`, situation, inBothGathers(shader, 'sum += own', 'sum -= own')],
    ];
  }),
  [
    'aggregate/mean_full_backward, isolated',
    'full',
    {
      'aggregate/mean_full_backward': ['own += output_gradient', 'own -= output_gradient'],
      'aggregate/mean_full_backward.lanes': ['own += strip_at(output_gradient', 'own -= strip_at(output_gradient'],
    },
  ],
  ...(
    [
      ['positive', 'positive_gradient = -cross_entropy_weight', 'positive_gradient = cross_entropy_weight'],
      ['negatives', 'gradient = cross_entropy_weight', 'gradient = -cross_entropy_weight'],
      ['margin, negatives', 'gradient += ranking_weight', 'gradient -= ranking_weight'],
      ['margin, positive', 'positive_gradient -= positive_slope', 'positive_gradient += positive_slope'],
      ['scale, negatives', 'scale_gradient += gradient', 'scale_gradient -= gradient'],
      ['scale, positive', 'scale_gradient += positive_gradient', 'scale_gradient -= positive_gradient'],
    ] as const
  ).map(([what, from, to]): (typeof planted)[number] => [
    `loss/pairs, ${what}`,
    'sampled',
    one('loss/pairs', from, to),
  ]),
  ['loss/pairs, softplus, negatives', 'softplus', one('loss/pairs', 'gradient += slope', 'gradient -= slope')],
  [
    'loss/pairs, softplus, positive',
    'softplus',
    one('loss/pairs', 'positive_gradient -= slope', 'positive_gradient += slope'),
  ],
  ...(
    [
      ['all', '= scale[0] * sum', '= -scale[0] * sum'],
      ['items', '+= score_gradient[first_score + entry', '-= score_gradient[first_score + entry'],
      ['users', '+= score_gradient[first_score + other', '-= score_gradient[first_score + other'],
    ] as const
  ).map(([what, from, to]): (typeof planted)[number] => [
    `loss/pairs_backward, ${what}`,
    'sampled',
    one('loss/pairs_backward', from, to),
  ]),
  [
    'hash/guide_backward, embedding',
    'sampled',
    one('hash/guide_backward', 'select(vec4f(), gradient, keep)', 'select(vec4f(), -gradient, keep)'),
  ],
  [
    'hash/guide_backward, code',
    'sampled',
    one('hash/guide_backward', 'select(gradient, vec4f(), keep)', 'select(-gradient, vec4f(), keep)'),
  ],
  ['hash/sign_backward, code', 'sampled', one('hash/sign_backward', '+ code_gradient', '- code_gradient')],
  ['hash/sign_backward, direct', 'sampled', one('hash/sign_backward', '= direct', '= -direct')],
];

const gpu = useGpu({ shaders: plantedShaders(planted.map(([, , edits]) => edits)) });

test.each(Object.entries(situations))('nothing is found without a planted error: %s', async (_, given) => {
  expect(await faultsOf(gpu(), graph, given)).toMatchObject({ faults: [], compared: 1 });
});

test('every backward kernel of the step has an error planted', () => {
  const kernels = [...loadShaders().keys()].filter((name) =>
    /_backward(\.|$)|\/backward_|^loss\/pairs(\.|$)/.test(name),
  );
  const edited = new Set(planted.flatMap(([, , edits]) => Object.keys(edits)));
  expect(kernels.filter((name) => !edited.has(name))).toEqual([]);
});

test.each(planted.map(([what, situation, edits], index) => [what, situation, edits, index] as const))(
  'a wrong sign is found: %s (%s)',
  async (_, situation, edits, index) => {
    const { faults } = await withPlanted(gpu(), edits, index, () => faultsOf(gpu(), graph, situations[situation]));
    expect(faults.some((fault) => fault.includes('gradient of'))).toBe(true);
    // All before the way back is right.
    expect(faults.filter((fault) => !/gradient of|updated/.test(fault))).toEqual([]);
  },
);
