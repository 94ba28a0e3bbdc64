import type { Program, Tensor, TensorScope } from '../gpu/index.js';
import { aggregatedWidth, type NodeRange, packedWidth } from './aggregate.js';
import { allRows, type EncodingPass } from './encoder.js';
import type { SageEncoder } from './sage.js';

/**
 * Nodes that an encoding computes at once: few beside those of a large graph, and so many that starting a dispatch, where a
 * driver on the CPU waits for its threads (some 0.1 ms), is little beside its work.
 */
const CHUNK_ROWS = 12_288;

/**
 * Whole neighbourhoods of all nodes without a way back: how embeddings are made. Of a layer only the features are held for
 * all nodes, and of the last one the embeddings; what lies between is computed for one chunk of nodes after another. The
 * bytes are those of `FullPass`, where features are floats.
 */
export class SageEncoding implements EncodingPass {
  readonly rows: Tensor<'u32'>;
  readonly hashed: Tensor<'f32'>;
  readonly scratch: readonly Tensor<'f32'>[];
  readonly #chunks: readonly (NodeRange & { readonly rows: Tensor<'u32'> })[];
  /**
   * What is computed for all nodes, in turn, so that one can be read while the other is written: of a layer that maps first
   * what it maps to, then what the layer gives; of the last layer embeddings.
   */
  readonly #outputs: readonly Tensor<'f32'>[];
  /** The rows that a layer averages in halves, where they are read so. */
  readonly #packed: readonly Tensor<'u32'>[] | undefined;
  readonly #aggregated: Tensor<'f32'>;
  /** Of the last layer, which only the hash layer reads. */
  readonly #features: Tensor<'f32'>;

  /** @param chunkRows a multiple of 64 */
  constructor(
    scope: TensorScope,
    readonly encoder: SageEncoder,
    chunkRows = CHUNK_ROWS,
  ) {
    const { graph, layers } = encoder;
    const { aggregation, bits, widths, features } = encoder.options;
    const { nodeCount, userCount } = graph;
    this.rows = allRows(scope, graph);
    this.#chunks = Array.from({ length: Math.ceil(nodeCount / chunkRows) }, (_, index) => {
      const first = index * chunkRows;
      const count = Math.min(chunkRows, nodeCount - first);
      const users = Math.min(Math.max(userCount - first, 0), count);
      return { first, count, rows: scope.tensor('u32', [2], `chunk ${index} rows`, Uint32Array.of(count, users)) };
    });
    const chunk = Math.min(chunkRows, nodeCount);
    const make = (rows: number, width: number, what: string) => scope.tensor('f32', [rows, width], `encoding ${what}`);
    const outputWidths = widths.with(-1, bits).flatMap((width, index) =>
      // The last layer's own width, where it maps first, is that of its features.
      encoder.mapsFirst(index) ? [widths[index]!, width] : [width],
    );
    const tables = [0, 1]
      .map((turn) => Math.max(0, ...outputWidths.filter((_, index) => index % 2 === turn)))
      .filter((width) => width > 0)
      .map((width, turn) => make(nodeCount, width, `features ${turn}`));
    this.#outputs = outputWidths.map((width, index) =>
      tables[index % 2]!.view([nodeCount, width], `encoding output ${index}`),
    );
    this.hashed = this.#outputs.at(-1)!;
    const meansWidths = layers.map((_, index) =>
      encoder.mapsFirst(index) ? 0 : aggregatedWidth(aggregation, encoder.featureWidth(index)),
    );
    this.#aggregated = make(chunk, Math.max(...meansWidths), 'means');
    this.#features = make(chunk, widths.at(-1)!, 'last features');
    this.scratch = [...tables, this.#aggregated, this.#features];
    if (features === 'half') {
      const packedWidths = layers.map((_, index) => packedWidth(this.#rowWidth(index)));
      // Floats to those who borrow it, since batches have more of them than of words.
      const halves = make(nodeCount, Math.max(...packedWidths), 'halves');
      this.#packed = packedWidths.map((width, index) =>
        halves.view([nodeCount, width], `encoding layer ${index} halves`, { element: 'u32' }),
      );
      this.scratch = [...this.scratch, halves];
    }
  }

  /** z itself. */
  get embeddings(): Tensor<'f32'> {
    return this.hashed;
  }

  get maxRows(): number {
    return this.encoder.graph.nodeCount;
  }

  recordForward(program: Program): void {
    const { encoder } = this;
    const outputs = this.#outputs.values();
    let below = encoder.embedding;
    encoder.fullAggregations().forEach((aggregation, index) => {
      const layer = encoder.layers[index]!;
      const mapsFirst = encoder.mapsFirst(index);
      let source = below;
      if (mapsFirst) {
        source = outputs.next().value!;
        for (const { first, count, rows } of this.#chunks) {
          const [input, output] = [rowsOf(below, first, count), rowsOf(source, first, count)];
          layer.forward(program, { input, output, outputBeforeActivation: true, rows, maxRows: count });
        }
      }
      const width = this.#rowWidth(index);
      const packed = this.#packed?.[index];
      if (packed) aggregation.recordPack(program, { source, width, packed });
      const output = outputs.next().value!;
      for (const { first, count, rows } of this.#chunks) {
        const part = rowsOf(output, first, count);
        const isLast = index === encoder.layers.length - 1;
        const features = isLast ? this.#features : part;
        const mean = { source: packed ?? source, width, range: { first, count } };
        if (mapsFirst) {
          aggregation.recordForward(program, { ...mean, output: features, activation: layer.options.activation });
        } else {
          aggregation.recordForward(program, { ...mean, output: this.#aggregated });
          layer.forward(program, { input: this.#aggregated, output: features, rows, maxRows: count });
        }
        if (isLast) encoder.hash.forward(program, { input: features, output: part, rows, maxRows: count });
      }
      below = output;
    });
  }

  /** Width of the rows that layer `index` averages. */
  #rowWidth(index: number): number {
    return this.encoder.featureWidth(this.encoder.mapsFirst(index) ? index + 1 : index);
  }
}

/** Rows `first` to `first + count - 1` of a tensor [N, width]. */
function rowsOf(tensor: Tensor<'f32'>, first: number, count: number): Tensor<'f32'> {
  const width = tensor.shape[1]!;
  return tensor.view([count, width], tensor.label, { offset: first * width });
}
