/** Our side of a row: the index that it asks for, resident on the device. */
import type { Gpu } from '../../src/gpu/index.js';
import { HammingIndex, HierarchicalIndex, InnerProductIndex } from '../../src/search/index.js';
import type { Arrays } from './arrays.js';
import type { Found } from './compare.js';
import type { Row } from './rows.js';

export interface Ours {
  /** From queries in host memory to results in host memory. */
  search(): Promise<Found>;
  destroy(): void;
}

/** Puts a row's database on the device. */
export async function prepareOurs(gpu: Gpu, row: Row, { database, queries }: Arrays): Promise<Ours> {
  const { ours, bits, database: count, k, candidates } = row;
  if (ours === 'hamming') {
    const index = await HammingIndex.create(gpu, { codes: database.codes, count, bits });
    return {
      search: async () => {
        const { ids, distances: values } = await index.search(queries.codes, k);
        return { ids, values };
      },
      destroy: () => index.destroy(),
    };
  }
  const embeddings = database.embeddings!;
  const asked = queries.embeddings!;
  const found = ({ ids, products }: { ids: Int32Array; products: Float32Array }): Found => ({ ids, values: products });
  if (ours === 'continuous') {
    const index = await InnerProductIndex.create(gpu, { embeddings, count, width: bits });
    return { search: async () => found(await index.search(asked, k)), destroy: () => index.destroy() };
  }
  const items = { codes: database.codes, embeddings, count, bits, width: bits };
  const index = await HierarchicalIndex.create(gpu, items);
  const query = { codes: queries.codes, embeddings: asked };
  const options = candidates === undefined ? {} : { candidates };
  return { search: async () => found(await index.search(query, k, options)), destroy: () => index.destroy() };
}
