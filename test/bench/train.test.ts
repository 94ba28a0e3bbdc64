import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { findInterpreter } from '../../bench/peer.js';
import { benchStep, benchTrain } from '../../bench/train/index.js';
import { TORCH } from '../../bench/train/peer.js';
import { describeStep, describeTrain } from '../../bench/train/report.js';
import { HashgnnError } from '../../src/base/errors.js';
import { prepareDataset, readDataset } from '../../src/data/index.js';
import { resolveOptions, Trainer } from '../../src/train/index.js';
import { hashgnn } from '../support/cli.js';
import { useGpu } from '../support/gpu.js';

// A driver that compiles every kernel for the first time may take a minute.
vi.setConfig({ testTimeout: 240_000 });

const gpu = useGpu();
const root = mkdtempSync(join(tmpdir(), 'hashgnn-test-'));
const folder = join(root, 'data');
afterAll(() => rmSync(root, { recursive: true, force: true }));

beforeAll(async () => {
  const lines = Array.from({ length: 40 }, (_, user) =>
    Array.from({ length: 12 }, (_, at) => `u${user}\ti${(user * 7 + at * at) % 60}`).join('\n'),
  );
  const file = join(root, 'edges.tsv');
  writeFileSync(file, `${lines.join('\n')}\n`);
  await prepareDataset({ file }, folder);
});

test('a quick run without a peer has all that the result promises', async () => {
  const rounds: number[] = [];
  const onRound = (done: number) => rounds.push(done);
  const result = await benchTrain(gpu(), { folder, rounds: 9, seed: 3, peer: false, quick: true, onRound });
  expect(result).toMatchObject({ peer: null, port: null, best: null, ratios: null, seed: 3, quick: true });
  expect(result.dataset.nodes).toBeGreaterThan(60);
  expect(result.ours.ms).toBeGreaterThan(0);
  expect(result.encode.ours.ms).toBeGreaterThan(0);
  expect(result.ours.stepsPerSecond).toBeCloseTo(1000 / result.ours.ms);
  expect(result.ours.edgesPerSecond).toBeCloseTo(256 * result.ours.stepsPerSecond);
  expect(result.memory.liveBytes).toBe(result.memory.predicted.live);
  expect(result.memory.peakBytes).toBe(result.memory.predicted.live);
  expect(result.toBest).toBeNull();
  expect(rounds).toEqual([0, 1, 2]);
  expect(describeTrain(result)).toMatch(/steps\/s +edges\/s[\s\S]*GPU memory: .* held \(predicted/);
  expect(describeTrain(result)).toMatch(/a training step[\s\S]*ours[\s\S]*without a peer[\s\S]*say nothing/);
});

test('to the best validation: the step, its HR and the time, with validating apart', async () => {
  const steps: number[] = [];
  const onStep = (done: number) => steps.push(done);
  const options = { folder, rounds: 1, seed: 3, peer: false, quick: true, toBest: true, onStep };
  const { toBest, ...rest } = await benchTrain(gpu(), options);
  const { step, hr, selection, seconds, total } = toBest!;
  expect(toBest).toMatchObject({ steps: 4, evaluateEvery: 2 });
  expect([steps[0], steps.at(-1)]).toEqual([0, 4]);
  expect(selection).toBeCloseTo((hr.hamming + hr.hierarchical) / 2);
  // The same training by hand: its validations, and which of them is the best.
  const dataset = await readDataset(folder);
  using trainer = await Trainer.create(
    gpu(),
    dataset,
    resolveOptions({ seed: 3, steps: 4, evaluateEvery: 2, batchSize: 256 }),
  );
  await trainer.advance(2);
  const first = await trainer.validate();
  await trainer.advance(4);
  const second = await trainer.validate();
  const best = second.selection > first.selection ? second : first;
  expect({ step, selection }).toEqual({ step: best.step, selection: best.selection });
  expect(hr.exact).toBe(best.validation.exact['HR@50']);
  for (const part of ['training', 'validating'] as const) {
    expect(seconds[part]).toBeGreaterThan(0);
    expect(seconds[part] === total[part]).toBe(step === 4);
  }
  expect(describeTrain({ ...rest, toBest })).toMatch(/the best validation came at step \d, after .* of validating/);
});

test('to the best validation of a dataset without validation edges is refused before anything is timed', async () => {
  const bare = join(root, 'bare');
  await prepareDataset({ file: join(root, 'edges.tsv'), validRatio: 0 }, bare);
  const options = { folder: bare, rounds: 1, seed: 0, peer: false, quick: true };
  const refused = benchTrain(gpu(), { ...options, toBest: true, onRound: () => expect.unreachable() });
  await expect(refused).rejects.toThrow(/no validation edges/);
});

test('beside PyTorch: both ways of the step, and the encoding', async (context) => {
  const python = await findInterpreter(TORCH).catch(() => undefined);
  if (!python) context.skip('python3-torch is not installed');
  const result = await benchTrain(gpu(), { folder, rounds: 2, seed: 3, quick: true }).catch((error: HashgnnError) => {
    // With the plain BLAS there is no race, and the bench says so.
    if (/plain BLAS/.test(error.message)) context.skip(error.message);
    throw error;
  });
  const { ours, port, best, encode, ratios } = result;
  expect(ratios!.port).toBeCloseTo(port!.ms / ours.ms);
  expect(port!.stepsPerSecond).toBeCloseTo(1000 / port!.ms);
  expect(best!.edgesPerSecond).toBeCloseTo((256 * 1000) / best!.ms);
  expect(ratios!.best).toBeCloseTo(best!.ms / ours.ms);
  expect(ratios!.encode).toBeCloseTo(encode.peer!.ms / encode.ours.ms);
  expect(describeTrain(result)).toMatch(/straight port[\s\S]*the best of it[\s\S]*encoding all nodes[\s\S]*PyTorch/);
});

test('a Python without PyTorch is told of with what to install', async () => {
  const failure = await findInterpreter(TORCH, ['/nowhere/no-python']).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(HashgnnError);
  expect((failure as HashgnnError).describe()).toMatch(
    /no-python: it is not there[\s\S]*python3-torch[\s\S]*--no-peer/,
  );
});

test('the step by kernel: every dispatch, the slowest first', async () => {
  const result = await benchStep(gpu(), { folder, seed: 1, repeat: 2 });
  const times = result.rows.map(({ milliseconds }) => milliseconds);
  expect(times).toEqual([...times].sort((a, b) => b - a));
  expect(result.rows.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
  for (const { spread } of result.rows) expect(spread).toBeGreaterThanOrEqual(0);
  // Two measurements of some sixty dispatches are not all the same.
  expect(result.rows.some(({ spread }) => spread > 0)).toBe(true);
  const kernels = result.rows.map(({ kernel }) => kernel);
  for (const kernel of ['sample/batch', 'sample/negatives', 'loss/pairs', 'hash/guide', 'optim/advance']) {
    expect(kernels).toContain(kernel);
  }
  expect(describeStep(result)).toMatch(/a step of/);
});

test('the commands print one JSON object, write it, and say what is wrong with a dataset', async () => {
  const out = join(root, 'train.json');
  const run = await hashgnn('bench', 'train', folder, '--no-peer', '--quick', '--json', '--out', out);
  expect(run.status).toBe(0);
  expect(JSON.parse(run.out)).toMatchObject({ peer: null, quick: true, ours: { ms: expect.any(Number) } });
  expect(JSON.parse(await readFile(out, 'utf8'))).toEqual(JSON.parse(run.out));
  const step = await hashgnn('bench', 'step', folder, '--repeat', '1', '--json');
  expect(JSON.parse(step.out)).toMatchObject({ format: 1, command: `hashgnn bench step ${folder} --repeat 1 --json` });
  expect(Date.now() - Date.parse(JSON.parse(step.out).date)).toBeLessThan(60_000);
  expect(JSON.parse(step.out)).toMatchObject({ dataset: { nodes: expect.any(Number) }, rows: expect.any(Array) });
  for (const command of ['train', 'step']) {
    const missing = await hashgnn('bench', command, join(root, 'none'));
    expect(missing.status).toBe(1);
    expect(missing.err).toMatch(/no such dataset folder/);
    expect(missing.err).not.toMatch(/ {4}at /);
  }
});
