/** By which command line a command runs, for results that say how they were made. */
import type { Command } from 'commander';
import { quoted } from '../base/text.js';

const given = new WeakMap<Command, readonly string[]>();

/** Notes the arguments that a program is run with. */
export function noteArguments(program: Command, args: readonly string[]): void {
  given.set(program, args);
}

/** The command line that a command of the program runs by, quoted as shells want it. */
export function commandLineOf(command: Command): string {
  let program = command;
  while (program.parent) program = program.parent;
  return [program.name(), ...(given.get(program) ?? [])].map(quoted).join(' ');
}
