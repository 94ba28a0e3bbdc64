/** How training shows itself to people: a live line, and a line for each validation. */
import type { TrainOptions } from '../train/options.js';
import type { RunEvents } from '../train/run.js';
import type { OutputOptions } from './output.js';
import { Progress } from './progress.js';

export interface TrainingDisplay extends OutputOptions {
  /** What is being done; "training" unless told. */
  readonly label?: string;
  /** Whether each validation gets a line; it does unless told. */
  readonly validations?: boolean;
  /** Further words beside the losses. */
  readonly more?: (step: number) => string;
}

/** Events for `trainToFolder` that draw progress, and the end of the drawing. */
export function trainingEvents(
  options: TrainOptions,
  { quiet = false, label = 'training', validations = true, more = () => '' }: TrainingDisplay,
): { events: RunEvents; end(): void } {
  let progress: Progress | undefined;
  let metrics = '';
  const warn = (text: string) => process.stderr.write(`warning: ${text}\n`);
  const { steps } = options;
  let collapse = '';
  const end = () => progress?.done();
  return {
    events: {
      onDamaged(error) {
        warn(`${error.describe()}\n  the checkpoint before it is taken instead`);
      },
      onLost(error) {
        end();
        warn(`${error.describe()}\n  another device is opened, and training goes on from the last checkpoint`);
      },
      onStart(from) {
        progress = new Progress({ label, total: steps, from, quiet });
      },
      onStep(step) {
        progress?.update(step, [metrics, more(step)].filter(Boolean).join('  '));
      },
      onLoss({ loss, auc, guidance, sharpness }) {
        const relaxation = sharpness === undefined ? `p ${guidance?.toFixed(2)}` : `β ${sharpness.toFixed(2)}`;
        metrics = `loss ${loss.toFixed(4)}  AUC ${auc.toFixed(3)}  ${relaxation}`;
      },
      onValidation({ step, validation }, best) {
        if (!validations) return;
        const hr = (search: 'hamming' | 'hierarchical' | 'exact') => validation[search]['HR@50']!.toFixed(4);
        progress?.log(
          `step ${step}: validation HR@50 Hamming ${hr('hamming')}, hierarchical ${hr('hierarchical')}, ` +
            `exact ${hr('exact')}${best ? ', the best so far' : ''}`,
        );
      },
      onCollapse(message, step) {
        // Once, unless it changes.
        if (message !== collapse) progress?.log(`warning: step ${step}: ${message}`);
        collapse = message;
      },
    },
    end,
  };
}
