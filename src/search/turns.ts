/** Lets callers in one after another, so that they may share tensors. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work` once all work before it is done, however that ended. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }
}
