/** What a long test has found, for `docs/reliability.md`: a line of JSON on standard output. */
export function record(what: string, figures: Readonly<Record<string, number | string | boolean>>): void {
  process.stdout.write(`soak ${JSON.stringify({ what, ...figures })}\n`);
}
