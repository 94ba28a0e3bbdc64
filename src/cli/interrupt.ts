/** Ctrl-C: the first asks the running command to save and stop, the second ends the process. */

let controller: AbortController | undefined;
let firstAt = 0;

/**
 * One press reaches this process several times: from the terminal, which signals every process of its group, and from
 * npm and the launcher, which pass on what they get. Signals this close together are one.
 */
const ONE_PRESS_MS = 500;

function onSignal(): void {
  if (controller === undefined) return;
  const now = performance.now();
  if (!controller.signal.aborted) {
    firstAt = now;
    process.stderr.write('\nstopping: saving what is done (once more to stop at once)\n');
    controller.abort();
  } else if (now - firstAt > ONE_PRESS_MS) {
    process.exit(130);
  }
}

/**
 * The signal that long commands watch: aborted by the first SIGINT or SIGTERM. On seeing it, save and throw
 * `InterruptedError`; a second SIGINT or SIGTERM ends the process at once with status 130. As long as nobody has asked
 * for it, either ends the process at once.
 */
export function interruptSignal(): AbortSignal {
  if (controller === undefined) {
    controller = new AbortController();
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  }
  return controller.signal;
}
