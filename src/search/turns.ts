import { HashgnnError } from '../base/errors.js';

/** Searches that may wait for an index, unless told. */
export const WAITING = 1024;

/** More searches wait for an index than may: those that were let in before go on. */
export class BusyError extends HashgnnError {
  override readonly name = 'BusyError';
}

/**
 * Lets callers in one after another, so that they may share tensors, until it is closed. Each one who waits holds its
 * queries, so no more than `most` do: whoever comes then is sent away at once, and comes again when others are done.
 */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #closed = false;
  #free: (() => void) | undefined;

  constructor(readonly most: number = WAITING) {}

  /**
   * Runs `work` once all work before it is done, however that ended.
   * @throws BusyError (the promise rejects) where too many wait, HashgnnError once closed
   */
  take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new HashgnnError('this index was destroyed', { where: 'search' }));
    // One of those who were let in is at work.
    if (this.#waiting > this.most) {
      return Promise.reject(
        new BusyError(`the index is busy: ${this.most} searches wait for it`, {
          where: 'search',
          fix: 'search for more queries at once, await searches before beginning others, or raise `waiting` of the index',
        }),
      );
    }
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
