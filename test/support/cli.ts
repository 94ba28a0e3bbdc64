import { vi } from 'vitest';
import { main } from '../../src/cli/main.js';

/** Runs a command line in this process and catches what it prints. */
export async function hashgnn(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  const written = { out: '', err: '' };
  const catching = (stream: NodeJS.WriteStream, name: 'out' | 'err') =>
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      written[name] += text;
      return true;
    });
  const stdout = catching(process.stdout, 'out');
  const stderr = catching(process.stderr, 'err');
  try {
    const status = await main(args);
    return { status, ...written };
  } finally {
    stdout.mockRestore();
    stderr.mockRestore();
  }
}
