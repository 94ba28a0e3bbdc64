import type { Tensor } from '../gpu/index.js';
import { lanesWorkgroup, loadsTogether, selectionVariant } from './plan.js';
import type { Batch } from './stream.js';

/** Embeddings of consecutive items in one buffer, [count or more, width]. */
export interface ItemRows {
  readonly first: number;
  readonly count: number;
  readonly tensor: Tensor<'f32'>;
}

/** Bytes for one query of the scratch memory of `recordReranking`. */
export function rerankingScratch(software: boolean, candidates: number): number {
  return selectionVariant({ software }) === 'lanes' ? 4 : candidates * 8;
}

/**
 * Records the best k of each query's candidates by inner product.
 * @param candidate [rows, candidates] places of items, in any order; -1 where there is none
 * @param width floats of an embedding on the device, padding included
 */
export function recordReranking(
  batch: Batch,
  candidate: Tensor<'i32'>,
  candidates: number,
  items: readonly ItemRows[],
  width: number,
): { ids: Tensor<'i32'>; products: Tensor<'f32'> } {
  const { gpu, program, rows, k } = batch;
  const query = batch.input('query embeddings') as Tensor<'f32'>;
  const product = batch.tensor('f32', rows * candidates, 'products of candidates');
  const ids = batch.tensor('i32', rows * k, 'ids');
  const products = batch.tensor('f32', rows * k, 'products');
  for (const { first, count, tensor } of items) {
    const multiplication = {
      bind: { database: tensor, query, candidate, product },
      parameters: { queries: rows, candidates, width, first, count },
      cost: { operations: 2 * rows * candidates * width },
    };
    if (loadsTogether(gpu)) {
      program.dispatch('search/candidate_products.subgroups', { ...multiplication, workgroups: rows });
    } else {
      program.dispatch('search/candidate_products', { ...multiplication, invocations: rows * candidates });
    }
  }
  const scratchBytes = rows * rerankingScratch(gpu.adapter.software, candidates);
  const scratch = batch.tensor('u32', scratchBytes / 4, 'search scratch');
  const selection = {
    bind: { candidate, product, ids, products, scratch },
    parameters: { queries: rows, candidates, k },
  };
  if (selectionVariant(gpu.adapter) === 'lanes') {
    program.dispatch('search/candidate_topk.lanes', {
      ...selection,
      constants: { WORKGROUP: lanesWorkgroup(rows) },
      invocations: rows,
    });
  } else {
    program.dispatch('search/candidate_topk', { ...selection, workgroups: rows });
  }
  return { ids, products };
}
