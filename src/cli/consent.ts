/** Questions that a person at a terminal answers. */
import { createInterface } from 'node:readline';
import { InterruptedError } from '../base/errors.js';

/** Whether somebody is there who can be asked: both what is typed and what is read is a terminal's. */
export function canAsk(): boolean {
  return Boolean(process.stdin.isTTY && process.stderr.isTTY);
}

/**
 * Asks a question that is answered with yes or no; anything but yes, and the end of the input, is no.
 * @throws InterruptedError after `signal`
 */
export async function confirmed(question: string, signal: AbortSignal): Promise<boolean> {
  process.stderr.write(`${question} [y/N] `);
  // As a terminal it would take Ctrl-C for itself, and no signal would come.
  const lines = createInterface({ input: process.stdin, terminal: false, signal });
  for await (const line of lines) return /^\s*y(es)?\s*$/i.test(line);
  if (signal.aborted) throw new InterruptedError('interrupted at a question: nothing was done');
  return false;
}
