/** How every bench ends: its result with what made it, into a file and printed. */
import type { Command } from 'commander';
import { FORMAT, type Made } from '../../../bench/result.js';
import { writeJson } from '../../base/files.js';
import { commandLineOf } from '../invocation.js';
import type { Output } from '../output.js';

/**
 * @param file where `--out` wants the JSON object, if anywhere
 * @param text the result for people
 */
export async function finishBench(
  command: Command,
  output: Output,
  file: string | undefined,
  result: object,
  text: string,
): Promise<void> {
  const made: Made = { format: FORMAT, date: new Date().toISOString(), command: commandLineOf(command) };
  const whole = { ...made, ...result };
  if (file !== undefined) await writeJson(file, whole);
  output.result(whole, text);
}
