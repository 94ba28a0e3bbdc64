import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Curve } from './results.js';

/** The course of a run from its `metrics.jsonl`. */
export async function curveOf(folder: string): Promise<Curve> {
  const text = await readFile(join(folder, 'metrics.jsonl'), 'utf8');
  const records = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const losses = records.filter((record) => 'loss' in record);
  const validations = records.filter((record) => 'validation' in record);
  const column = (name: string) => losses.map((record) => record[name] as number);
  const search = (name: string) => validations.map(({ validation }) => validation[name]['HR@50'] as number);
  return {
    losses: { step: column('step'), loss: column('loss'), auc: column('auc'), guidance: column('guidance') },
    validations: {
      step: validations.map(({ step }) => step as number),
      ...{ hamming: search('hamming'), hierarchical: search('hierarchical'), exact: search('exact') },
    },
  };
}
