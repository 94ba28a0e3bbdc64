import type { Command } from 'commander';

/** Adds one command, with its options and its action, to the program. */
export type Register = (program: Command) => void;

/** Every command of `hashgnn`, in the order in which `hashgnn --help` lists them. */
export const commands: readonly Register[] = [];
