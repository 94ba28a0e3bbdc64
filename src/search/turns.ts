import { HashgnnError } from '../base/errors.js';

/** Lets callers in one after another, so that they may share tensors, until it is closed. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #closed = false;
  #free: (() => void) | undefined;

  /**
   * Runs `work` once all work before it is done, however that ended.
   * @throws HashgnnError (the promise rejects) once closed
   */
  take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new HashgnnError('this index was destroyed', { where: 'search' }));
    this.#waiting += 1;
    const result = this.#last.then(work).finally(() => {
      this.#waiting -= 1;
      if (this.#waiting === 0) this.#release();
    });
    this.#last = result.catch(() => {});
    return result;
  }

  /** Lets nobody in any more, and frees what was shared as soon as those who were let in are done: at once without them. */
  close(free: () => void): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#free = free;
    if (this.#waiting === 0) this.#release();
  }

  #release(): void {
    this.#free?.();
    this.#free = undefined;
  }
}
