import { Command } from 'commander';
import { expect, test } from 'vitest';
import { commandLineOf, noteArguments } from '../../src/cli/invocation.js';

test('a command knows by which line it runs, as a shell reads it', () => {
  const program = new Command('hashgnn');
  const inner = program.command('bench').command('kernels');
  noteArguments(program, ['bench', 'kernels', '--kernels', 'dense/*', "it's", '', '--out=a/b-1.json']);
  expect(commandLineOf(inner)).toBe(`hashgnn bench kernels --kernels 'dense/*' 'it'\\''s' '' --out=a/b-1.json`);
  expect(commandLineOf(new Command('other'))).toBe('other');
});
