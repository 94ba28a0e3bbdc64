import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InputError, InterruptedError, UsageError } from '../../src/base/errors.js';
import { main, packageVersion } from '../../src/cli/main.js';

const ROOT = resolve(import.meta.dirname, '../..');

/** Commands that end in every way a command can. */
const registered = [
  (program: Command) => {
    program
      .command('fine')
      .option('--json')
      .action(() => {});
    program
      .command('fail')
      .argument('<how>')
      .option('--json')
      .option('--count <n>', 'a number', (text) => {
        if (!/^\d+$/.test(text)) throw new InvalidArgumentError('expected a whole number');
        return Number(text);
      })
      .action((how: string) => {
        if (how === 'input')
          throw new InputError('rating is not a number', { where: 'ratings.csv:7', fix: 'mend line 7' });
        if (how === 'usage') throw new UsageError('--bits must be a multiple of 8', { where: '--bits 9' });
        if (how === 'interrupt') throw new InterruptedError('stopped at step 12');
        throw new TypeError('x is undefined');
      });
  },
];

async function run(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const status = await main(args, registered, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
  });
  return { status, out, err };
}

describe('one command line', () => {
  test('a command that does its work ends with 0 and says nothing of its own', async () => {
    expect(await run('fine')).toEqual({ status: 0, out: '', err: '' });
  });

  test('help and version go to standard output and end with 0', async () => {
    const help = await run('--help');
    expect(help).toMatchObject({ status: 0, err: '' });
    expect(help.out).toContain('Usage: hashgnn');
    expect(await run('--version')).toEqual({ status: 0, out: `${packageVersion()}\n`, err: '' });
    expect((await run('fail', '--help')).out).toContain('--count <n>');
  });

  test('no command at all prints the help on standard error and is wrong usage', async () => {
    const outcome = await run();
    expect(outcome).toMatchObject({ status: 2, out: '' });
    expect(outcome.err).toContain('Usage: hashgnn');
  });

  test.each([
    ['an unknown command', ['fyne'], /unknown command 'fyne'/, 'hashgnn --help'],
    [
      'an unknown option',
      ['fail', 'input', '--cuont', '3'],
      /unknown option '--cuont'.*--count/,
      'hashgnn fail --help',
    ],
    ['a missing argument', ['fail'], /missing required argument 'how'/, 'hashgnn fail --help'],
    ['an option without its value', ['fail', 'input', '--count'], /argument missing/, 'hashgnn fail --help'],
    [
      'a value of the wrong kind',
      ['fail', 'input', '--count', 'many'],
      /expected a whole number/,
      'hashgnn fail --help',
    ],
  ])('%s is wrong usage, with a hint and exit status 2', async (_, args, message, hint) => {
    const outcome = await run(...args);
    expect(outcome).toMatchObject({ status: 2, out: '' });
    expect(outcome.err).toMatch(message);
    expect(outcome.err).toContain(hint);
    expect(outcome.err.match(/\n/g)).toHaveLength(2);
  });

  test('an error on purpose is told in three parts, without a stack', async () => {
    const outcome = await run('fail', 'input');
    expect(outcome.status).toBe(1);
    expect(outcome.err).toBe('hashgnn: rating is not a number\n  where: ratings.csv:7\n  to mend it: mend line 7\n');
  });

  test('wrong usage found by the library ends with 2, an interruption with 130', async () => {
    expect((await run('fail', 'usage')).status).toBe(2);
    expect((await run('fail', 'interrupt')).status).toBe(130);
  });

  test('any other error is called a defect and shows its stack only when asked', async () => {
    const before = process.env.HASHGNN_DEBUG;
    try {
      delete process.env.HASHGNN_DEBUG;
      const outcome = await run('fail', 'defect');
      expect(outcome.status).toBe(1);
      expect(outcome.err).toContain('this is a defect in hashgnn: x is undefined');
      expect(outcome.err).not.toMatch(/\n\s+at /);
      process.env.HASHGNN_DEBUG = '1';
      expect((await run('fail', 'defect')).err).toMatch(/TypeError: x is undefined\n\s+at /);
    } finally {
      if (before === undefined) delete process.env.HASHGNN_DEBUG;
      else process.env.HASHGNN_DEBUG = before;
    }
  });

  test.each([
    ['input', 1, { message: 'rating is not a number', where: 'ratings.csv:7', fix: 'mend line 7' }],
    ['usage', 2, { message: '--bits must be a multiple of 8', where: '--bits 9' }],
    ['defect', 1, { message: 'this is a defect in hashgnn: x is undefined' }],
  ])('with --json the error %s is also one object on standard output', async (how, status, error) => {
    const outcome = await run('fail', how, '--json');
    expect(outcome.status).toBe(status);
    expect(JSON.parse(outcome.out)).toEqual({ error });
    expect(outcome.out.endsWith('}\n')).toBe(true);
  });

  test('with --json wrong usage is an object too, and an argument after -- is no option', async () => {
    expect(JSON.parse((await run('fail', '--json', '--nope')).out).error.message).toMatch(/unknown option '--nope'/);
    expect((await run('fail', 'input', '--', '--json')).out).toBe('');
  });
});

describe('the process', () => {
  let clone = '';

  beforeAll(() => {
    // A clone of its own, built here, so that neither a stale dist/ nor a missing one counts.
    clone = mkdtempSync(join(tmpdir(), 'hashgnn-test-'));
    const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    const args = [compiler, '-p', 'tsconfig.build.json', '--noCheck', '--outDir', join(clone, 'dist')];
    execFileSync(process.execPath, args, { cwd: ROOT });
    for (const name of ['bin', 'package.json']) cpSync(join(ROOT, name), join(clone, name), { recursive: true });
    for (const name of ['node_modules', 'shaders']) symlinkSync(join(ROOT, name), join(clone, name));
    writeFileSync(
      join(clone, 'dist/src/cli/commands/index.js'),
      `import fs from 'node:fs';
       import { interruptSignal } from '../interrupt.js';
       import { InterruptedError } from '../../base/errors.js';
       const wait = () => new Promise((done) => {
         const timer = setInterval(() => {}, 1000);
         const signal = interruptSignal();
         process.stdout.write('waiting\\n');
         signal.addEventListener('abort', () => { clearInterval(timer); done(); });
       });
       export const commands = [(program) => {
         program.command('native').action(() => {
           fs.writeSync(2, 'Warning: maxDynamicUniformBuffersPerPipelineLayout artificially reduced from 1000000 to 16\\n');
           fs.writeSync(2, 'error: XDG_RUNTIME_DIR is invalid or not set\\n');
           fs.writeSync(2, 'something new from a driver\\n');
           process.stderr.write('words for people ' + Boolean(process.env.XDG_RUNTIME_DIR) + '\\n');
         });
         program.command('crash').option('--json').action(() => process.kill(process.pid, 'SIGSEGV'));
         program.command('much').action(() => {
           for (let line = 0; line < 200000; line++) process.stdout.write('line ' + line + '\\n');
         });
         program.command('big').action(() => { process.stderr.write('x'.repeat(1 << 20) + '\\n'); });
         program.command('polite').action(async () => { await wait(); throw new InterruptedError('saved'); });
         program.command('deaf').action(async () => { await wait(); await wait(); await new Promise(() => setInterval(() => {}, 1000)); });
         program.command('unaware').action(async () => { process.stdout.write('waiting\\n'); await new Promise(() => setInterval(() => {}, 1000)); });
       }];`,
    );
  });

  afterAll(() => rmSync(clone, { recursive: true, force: true }));

  interface Ended {
    status: number | null;
    signal: NodeJS.Signals | null;
    out: string;
    err: string;
  }

  function start(...args: string[]): {
    child: ChildProcess;
    ended: Promise<Ended>;
    said: (text: string) => Promise<void>;
  } {
    const { HASHGNN_DEBUG: _, XDG_RUNTIME_DIR: __, ...env } = process.env;
    const child = spawn(process.execPath, [join(clone, 'bin/hashgnn.js'), ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    const ended = new Promise<Ended>((done) => {
      child.on('close', (status, signal) => done({ status, signal, out, err }));
    });
    const said = async (text: string) => {
      while (!(out + err).includes(text)) {
        if (child.exitCode !== null) throw new Error(`ended without saying ${text}: ${out}${err}`);
        await new Promise((done) => setTimeout(done, 20));
      }
    };
    return { child, ended, said };
  }

  test('version, wrong usage and their exit statuses pass through the launcher', async () => {
    expect(await start('--version').ended).toMatchObject({ status: 0, out: `${packageVersion()}\n`, err: '' });
    const wrong = await start('nonsense').ended;
    expect(wrong).toMatchObject({ status: 2, out: '' });
    expect(wrong.err).toContain("unknown command 'nonsense'");
  });

  test("drivers' known chatter is dropped; everything else and all words for people arrive", async () => {
    const { status, err } = await start('native').ended;
    expect(status).toBe(0);
    expect(err.split('\n').sort()).toEqual(['', 'something new from a driver', 'words for people true']);
  });

  test('a megabyte for people arrives whole', async () => {
    expect((await start('big').ended).err).toHaveLength((1 << 20) + 1);
  });

  test('a crash in native code is told in a sentence and ends with 1', async () => {
    const { status, out, err } = await start('crash', '--json').ended;
    expect(status).toBe(1);
    expect(err).toContain('crashed (SIGSEGV)');
    expect(JSON.parse(out).error.message).toContain('crashed');
  });

  test('a reader that goes away ends it quietly', async () => {
    const { child, ended, said } = start('much');
    await said('line 0');
    child.stdout?.destroy();
    expect(await ended).toMatchObject({ status: 0, err: '' });
  });

  test('the first signal lets the command save and ends with 130', async () => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const { child, ended, said } = start('polite');
      await said('waiting');
      child.kill(signal);
      const { status, err } = await ended;
      expect(status).toBe(130);
      expect(err).toMatch(/stopping: .*\n(.*\n)*hashgnn: saved/);
    }
  });

  test('several signals of one key press are one; a second press ends at once with 130', async () => {
    const { child, ended, said } = start('deaf');
    await said('waiting');
    child.kill('SIGINT');
    child.kill('SIGINT');
    await said('stopping');
    expect(child.exitCode).toBe(null);
    await new Promise((done) => setTimeout(done, 700));
    expect(child.exitCode).toBe(null);
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ status: 130, signal: null });
  });

  test('a command that watches no signal ends at the first, with 130', async () => {
    const { child, ended, said } = start('unaware');
    await said('waiting');
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ status: 130, signal: null });
  });

  test('killing the launcher outright does not leave the work running', async () => {
    const { child, ended, said } = start('polite');
    await said('waiting');
    child.kill('SIGKILL');
    // The pipes close only when the inner process has ended too.
    expect((await ended).signal).toBe('SIGKILL');
  });

  test('before set-up one sentence says what to run', async () => {
    const bare = join(clone, 'bare');
    mkdirSync(bare);
    cpSync(join(ROOT, 'bin'), join(bare, 'bin'), { recursive: true });
    cpSync(join(ROOT, 'package.json'), join(bare, 'package.json'));
    expect(existsSync(join(bare, 'dist'))).toBe(false);
    const child = spawn(process.execPath, [join(bare, 'bin/hashgnn.js'), '--version']);
    let err = '';
    child.stderr.on('data', (text) => {
      err += text;
    });
    const status = await new Promise((done) => child.on('close', done));
    expect(status).toBe(1);
    expect(err).toMatch(/^hashgnn is not set up yet: run `npm start`.*\n$/);
  });
});
