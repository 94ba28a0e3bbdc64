/** `hashgnn bench train` and `hashgnn bench step`. */
import { type Command, Option } from 'commander';
import { benchStep, benchTrain } from '../../../bench/train/index.js';
import { describeStep, describeTrain } from '../../../bench/train/report.js';
import { Gpu } from '../../gpu/index.js';
import { MODELS, PRESETS } from '../../train/index.js';
import { interruptSignal } from '../interrupt.js';
import { toCount, toWhole } from '../numbers.js';
import { Output, type OutputOptions, outputOptions } from '../output.js';
import { Progress } from '../progress.js';
import { finishBench } from './bench_result.js';
import { versions } from './doctor.js';
import { tuned } from './tune.js';

interface Options extends OutputOptions {
  readonly repeat: number;
  readonly seed: number;
  readonly adapter?: string;
  readonly out?: string;
}

interface TrainOptions extends Options {
  readonly peer: boolean;
  readonly quick?: boolean;
  readonly toBest?: boolean;
}

interface StepOptions extends Options {
  readonly model?: string;
  readonly preset?: string;
}

export function registerTraining(bench: Command): void {
  const train = bench
    .command('train')
    .description('the training step and the encoding of all nodes beside PyTorch, in turn on the same edges')
    .argument('<dataset>', 'folder that hashgnn prepare wrote')
    .option('--no-peer', 'time ours alone, without PyTorch')
    .option('--to-best', 'also train with the default options, and tell when the best validation came')
    .option('--quick', 'few steps, to see that it works');
  common(train, 'rounds, the median of which counts', 5).action(async (folder: string, options: TrainOptions) => {
    const output = new Output(options);
    const signal = interruptSignal();
    using gpu = await Gpu.open({ adapter: options.adapter });
    const shown = (label: string, unit: string) => {
      let progress: Progress | undefined;
      return (done: number, total: number) => {
        progress ??= new Progress({ label, total, unit, quiet: output.quiet });
        progress.update(done);
        if (done === total) progress.done();
      };
    };
    const { variants } = await tuned(gpu, output);
    const { repeat: rounds, seed, peer, quick, toBest } = options;
    const result = await benchTrain(gpu, {
      ...{ folder, rounds, seed, peer, quick, toBest, variants, signal },
      versions: versions(),
      onRound: shown('measuring', 'rounds'),
      onStep: shown('training', 'steps'),
    });
    await finishBench(train, output, options.out, result, `\n${describeTrain(result)}`);
  });

  const step = bench
    .command('step')
    .description('where the time of a training step goes, by kernel')
    .argument('<dataset>', 'folder that hashgnn prepare wrote')
    .addOption(new Option('--model <name>', 'system of the paper').choices(Object.keys(MODELS)))
    .addOption(
      new Option('--preset <name>', 'set of options; that of hashgnn bench train unless told').choices(
        Object.keys(PRESETS),
      ),
    );
  common(step, 'times that each dispatch is timed, the median of which counts', 9).action(
    async (folder: string, options: StepOptions) => {
      const output = new Output(options);
      const { model, preset } = options;
      const given = model || preset ? { ...(model && { model }), ...(preset && { preset }) } : undefined;
      using gpu = await Gpu.open({ adapter: options.adapter });
      const { variants } = await tuned(gpu, output);
      const { seed, repeat } = options;
      const result = await benchStep(gpu, { folder, seed, repeat, given, variants, versions: versions() });
      await finishBench(step, output, options.out, result, `\n${describeStep(result)}`);
    },
  );
}

function common(command: Command, repeated: string, times: number): Command {
  command
    .option('--repeat <n>', repeated, toCount, times)
    .option('--seed <n>', 'seed of the training', toWhole, 0)
    .option('-o, --out <file>', 'also write the JSON object into this file')
    .option('--adapter <name>', 'GPU to use, as hashgnn doctor names it');
  return outputOptions(command);
}
