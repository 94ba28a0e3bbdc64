/**
 * The process that measures: a shader may loop for ever or take the driver down, and only the end of its process ends
 * that. Takes one `Job` from its parent and sends `Message`s.
 */
import { HashgnnError } from '../../src/base/errors.js';
import type { Job, Message } from './job.js';
import { measure } from './measure.js';

const send = (message: Message) => new Promise<void>((resolve) => process.send!(message, () => resolve()));

// Without the parent nobody would end a shader that loops.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.once('message', async (job) => {
  try {
    const result = await measure(job as Job, (step, limited, done) => void send({ step, limited, done }));
    await send({ result });
  } catch (error) {
    const { where, fix } = error instanceof HashgnnError ? error.details : {};
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    const kind = error instanceof HashgnnError ? name : 'defect';
    await send({ error: { kind, message, ...(where !== undefined && { where }), ...(fix !== undefined && { fix }) } });
  }
  process.removeAllListeners('disconnect');
  process.exit();
});
