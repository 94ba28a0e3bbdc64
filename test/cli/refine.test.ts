import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InterruptedError } from '../../src/base/errors.js';
import { generateInteractions, prepareDataset, readDataset, writeGenerated } from '../../src/data/index.js';
import { evaluateRun } from '../../src/train/evaluate.js';
import { resolveOptions } from '../../src/train/options.js';
import { type RefineRecord, refineRun } from '../../src/train/refine.js';
import { trainToFolder } from '../../src/train/run.js';
import { type RunResult, readRun } from '../../src/train/run_folder.js';
import { hashgnn } from '../support/cli.js';
import { useGpu } from '../support/gpu.js';

const gpu = useGpu();
let root: string;
const at = (name: string) => join(root, name);
const options = { preset: 'best', bits: 16, steps: 60, batchSize: 100, guidanceEvery: 3, evaluateEvery: 20 };

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'hashgnn-refine-'));
  await writeGenerated(generateInteractions({ users: 300, items: 200, interactions: 8000, seed: 4 }), at('log.tsv'));
  await prepareDataset({ file: at('log.tsv') }, at('data'));
  await prepareDataset({ file: at('log.tsv'), validRatio: 0 }, at('unvalidated'));
  await trainToFolder(gpu(), await readDataset(at('data')), resolveOptions(options), at('run'));
});

afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

describe('hashgnn refine', () => {
  test('writes a run whose codes are no worse on validation items, with the same embeddings', async () => {
    expect((await hashgnn('evaluate', at('run'), '--quiet')).status).toBe(0);
    const { status, out, err } = await hashgnn('refine', at('run'), '--out', at('refined'), '--json');
    expect(err).toContain('round 1: cross-entropy');
    expect(status).toBe(0);
    const result = JSON.parse(out) as RunResult;
    const [before, after] = [await readRun(at('run')), await readRun(at('refined'))];
    expect(after.result).toEqual(result);
    expect(after.options).toEqual(before.options);
    expect([after.users, after.items]).toEqual([before.users, before.items]);
    expect([after.userCodes, after.itemCodes]).not.toEqual([before.userCodes, before.itemCodes]);
    const hr = ({ result }: typeof before) => result.best!.validation.hamming['HR@50']!;
    expect(hr(after)).toBeGreaterThan(hr(before));
    expect(result.refinement).toMatchObject({ of: at('run') });
    expect(result.refinement!.kept).toBeGreaterThan(0);
    // The test metrics of the run are those of other codes.
    expect(before.result.test).toBeDefined();
    expect(result.test).toBeUndefined();

    const lines = (await readFile(join(at('refined'), 'metrics.jsonl'), 'utf8')).trim().split('\n');
    const trained = (await readFile(join(at('run'), 'metrics.jsonl'), 'utf8')).trim().split('\n');
    expect(lines.slice(0, trained.length)).toEqual(trained);
    const rounds = lines
      .slice(trained.length)
      .map((line) => (JSON.parse(line) as { refinement: RefineRecord }).refinement);
    expect(rounds.map(({ round }) => round)).toEqual(rounds.map((_, index) => index + 1));
    expect(rounds.length).toBe(result.refinement!.rounds);
    // It ends with the first round that lowers the cross-entropy by less than 1/5,000.
    const gains = rounds.slice(1).map(({ crossEntropy }, index) => 1 - crossEntropy / rounds[index]!.crossEntropy);
    expect(gains.findIndex((gain) => gain < 2e-4)).toBe(gains.length - 1);
    const best = Math.max(...rounds.map(({ hamming }) => hamming!['HR@50']!));
    expect(rounds[result.refinement!.kept - 1]!.hamming!['HR@50']).toBe(best);
    expect(hr(after)).toBe(best);
    // The other searches re-rank by the same embeddings.
    const data = await readDataset(at('data'));
    const metrics = await Promise.all([before, after].map((run) => evaluateRun(gpu(), run, data)));
    expect(metrics[1]!.exact).toEqual(metrics[0]!.exact);
  });

  test('gives the same bytes again', async () => {
    const bytes = async (name: string) => {
      const { status } = await hashgnn('refine', at('run'), '--out', at(name), '--rounds', '3', '--quiet');
      expect(status).toBe(0);
      return Promise.all(['users', 'items'].map((side) => readFile(join(at(name), 'codes', `${side}.npy`))));
    };
    expect(await bytes('once')).toEqual(await bytes('twice'));
  });

  test('of a refined run is refused training, which would undo it', async () => {
    await hashgnn('refine', at('run'), '--out', at('again'), '--rounds', '1', '--quiet');
    const { status, err } = await hashgnn('train', at('data'), '--out', at('again'), '--resume', '--quiet');
    expect(status).toBe(1);
    expect(err).toContain('the codes of this run were refined after its training');
    expect(err).toContain(`resume the run that was refined, ${at('run')}`);
  });

  test('names a folder that is no run, another dataset, and a folder that is not empty', async () => {
    const other = await hashgnn('refine', at('run'), '--out', at('new'), '--data', at('unvalidated'));
    expect(other.status).toBe(1);
    expect(other.err).toContain('the run was trained on another dataset or split');
    const none = await hashgnn('refine', at('data'), '--out', at('new'));
    expect(none.status).toBe(1);
    expect(none.err).toContain('this is no run folder');
    const full = await hashgnn('refine', at('run'), '--out', at('data'));
    expect(full.status).toBe(1);
    expect(full.err).toContain(at('data'));
    const cold = await hashgnn('refine', at('run'), '--out', at('new'), '--temperature', '-1');
    expect(cold.status).toBe(1);
    expect(cold.err).toContain('cannot be -1');
    expect(await readdir(root)).not.toContain('new');
  });

  test('without validation items needs the temperature, and keeps the last round', async () => {
    const data = await readDataset(at('unvalidated'));
    expect(data.valid.length).toBe(0);
    await trainToFolder(gpu(), data, resolveOptions({ ...options, steps: 20 }), at('blind'));
    const run = await readRun(at('blind'));
    await expect(refineRun(gpu(), run, data, at('blind-r'))).rejects.toThrow('no validation items');
    const result = await refineRun(gpu(), run, data, at('blind-r'), { temperature: 0.5, rounds: 2 });
    expect(result.refinement).toMatchObject({ rounds: 2, kept: 2, temperature: 0.5 });
    expect(result.best).toBeNull();
  });

  test('leaves nothing where it is interrupted', async () => {
    const controller = new AbortController();
    const run = await readRun(at('run'));
    const stopped = refineRun(gpu(), run, await readDataset(at('data')), at('stopped'), {
      signal: controller.signal,
      events: {
        onRound: () => {
          controller.abort();
        },
      },
    });
    await expect(stopped).rejects.toThrow(InterruptedError);
    expect(await readdir(root)).not.toContain('stopped');
  });
});
