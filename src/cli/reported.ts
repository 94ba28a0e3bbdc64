/** Ends a command whose result, already printed, is that something is wrong: nothing more is said. */
export class Reported extends Error {
  override readonly name = 'Reported';

  constructor(readonly exitCode: number) {
    super('the command has said what is wrong');
  }
}
