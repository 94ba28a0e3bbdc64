/**
 * What a person needs to know about a failure: what happened, where, and how to mend it.
 *
 * Every error that the library throws on purpose is one of these; the command line prints the three parts and never a
 * stack trace. Anything else that reaches the top is a defect of the library and is reported as such.
 */
export class HashgnnError extends Error {
  override readonly name: string = 'HashgnnError';
  /** Exit status of a command that ends with this error. */
  readonly exitCode: number = 1;

  /**
   * @param message what happened, one sentence without a final full stop
   * @param details `where`: file and line, tensor, kernel or option; `fix`: what the user can do about it
   */
  constructor(
    message: string,
    readonly details: { readonly where?: string; readonly fix?: string; readonly cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
  }

  /** The three parts, one a line, as a person reads them. */
  describe(): string {
    const { where, fix } = this.details;
    return [this.message, where && `  where: ${where}`, fix && `  to mend it: ${fix}`].filter(Boolean).join('\n');
  }
}

/** Data or files that are not what they should be. */
export class InputError extends HashgnnError {
  override readonly name = 'InputError';
}

/** A command line or an option that cannot be understood (exit status 2). */
export class UsageError extends HashgnnError {
  override readonly name = 'UsageError';
  override readonly exitCode = 2;
}

/** The user interrupted the work; everything that should be saved is saved (exit status 130). */
export class InterruptedError extends HashgnnError {
  override readonly name = 'InterruptedError';
  override readonly exitCode = 130;
}
