import type { Gpu } from '../gpu/index.js';
import type { Parameter } from '../layers/encoder.js';
import type { SafeTensor } from './safetensors.js';

/** Elements read at once, so that what is read through stays small beside a large table. */
const PIECE = 2 ** 22;

/**
 * The parameters of the best validation so far. They lie in the host's memory, zero until there is one: nothing on the
 * device reads them before the training ends.
 */
export class KeptParameters {
  readonly #kept: readonly (Parameter & { readonly data: Float32Array<ArrayBuffer> })[];

  constructor(
    private readonly gpu: Gpu,
    parameters: readonly Parameter[],
  ) {
    this.#kept = parameters.map((parameter) => ({ ...parameter, data: new Float32Array(parameter.tensor.length) }));
  }

  /** Copies the parameters as they are now. @throws GpuError where the device failed */
  async keep(): Promise<void> {
    for (const { tensor, data } of this.#kept) {
      for (let begin = 0; begin < data.length; begin += PIECE) {
        await this.gpu.readBuffers([tensor.range(data.subarray(begin, begin + PIECE), begin)]);
      }
    }
  }

  /** Puts the kept ones in the place of the parameters. */
  takeUp(): void {
    for (const { tensor, data } of this.#kept) tensor.write(data);
  }

  /** Copies, by the names that checkpoints have for them: `best.<name>`. */
  state(): [string, SafeTensor][] {
    return this.#kept.map(({ name, tensor, data }) => [`best.${name}`, { shape: tensor.shape, data: data.slice() }]);
  }

  /** Takes up what `state` gave, each tensor from `take` by its name and shape, which throws where there is none. */
  restore(take: (name: string, shape: readonly number[]) => Float32Array): void {
    for (const { name, tensor, data } of this.#kept) data.set(take(`best.${name}`, tensor.shape));
  }
}
