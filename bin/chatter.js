// What GPU drivers and Dawn write to standard error of their own accord and nobody has to read.

const CHATTER = [
  /^Warning: max\w+ artificially reduced from /,
  /XDG_RUNTIME_DIR/,
  // No driver found: said again, and better, by the error that follows and by `hashgnn doctor`.
  /^Warning: (vkCreateInstance|Couldn't load Vulkan)/,
  /^ {4}at CheckVkSuccess/,
  /not a conformant vulkan implementation/i,
  /^MESA(-\w+)?: (info|warning|debug): /,
];

/**
 * Passes on what comes from a stream line by line, without the chatter.
 * @param {import('node:stream').Readable | null | undefined} stream
 * @param {(line: string) => void} write
 * @returns {() => void} passes on the last line if it has no end; call it once the stream has ended
 */
export function withoutChatter(stream, write) {
  let unfinished = '';
  const pass = (/** @type {string} */ line) => {
    if (!CHATTER.some((pattern) => pattern.test(line))) write(line);
  };
  stream?.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
    const lines = (unfinished + text).split(/(?<=\n)/);
    unfinished = lines.at(-1)?.endsWith('\n') ? '' : (lines.pop() ?? '');
    lines.forEach(pass);
  });
  return () => pass(unfinished);
}
