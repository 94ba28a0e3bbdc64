import { InputError } from '../base/errors.js';
import type { Dataset } from '../data/index.js';
import type { Gpu } from '../gpu/index.js';
import { HierarchicalIndex } from '../search/index.js';
import { seenItems } from './evaluate.js';
import { type Run, requireSameData } from './run_folder.js';

/** One recommended item. */
export interface Recommendation {
  readonly rank: number;
  readonly item: string;
  readonly title?: string;
  /** ⟨z_user, z_item⟩ */
  readonly score: number;
}

/**
 * A user's best items by hierarchical search, without those of training and validation.
 * @param user raw id
 * @throws InputError where the dataset has no such user
 */
export async function recommend(
  gpu: Gpu,
  run: Run,
  dataset: Dataset,
  { user, k, candidates = run.options.candidates }: { user: string; k: number; candidates?: number },
): Promise<Recommendation[]> {
  requireSameData(run, dataset);
  const index = dataset.userIds.indexOf(user);
  if (index < 0) {
    throw new InputError(`there is no user ${JSON.stringify(user)}`, {
      where: dataset.folder,
      fix: `its ${dataset.userCount} users are listed in users.txt, ${JSON.stringify(dataset.userIds[0])} first`,
    });
  }
  const { bits } = run;
  const hierarchical = await HierarchicalIndex.create(gpu, {
    codes: run.itemCodes,
    embeddings: run.items,
    bits,
    count: dataset.itemCount,
    width: bits,
  });
  try {
    const seen = seenItems(dataset).row(index);
    const exclude = { offsets: [0, seen.length], ids: seen };
    const { ids, products } = await hierarchical.search(
      {
        codes: run.userCodes.subarray((index * bits) / 8, ((index + 1) * bits) / 8),
        embeddings: run.users.subarray(index * bits, (index + 1) * bits),
      },
      k,
      { candidates: Math.max(candidates, k), exclude },
    );
    return [...ids]
      .filter((id) => id >= 0)
      .map((id, at) => ({
        rank: at + 1,
        item: dataset.itemIds[id]!,
        ...(dataset.itemTitles?.[id] && { title: dataset.itemTitles[id] }),
        score: products[at]!,
      }));
  } finally {
    hierarchical.destroy();
  }
}
