import { type ErrorCode, RefresherError } from '../core/errors.ts';

const property = (error: Error, name: string): unknown => Reflect.get(error, name);

/**
 * Where an SDK error's own words may be repeated: AWS's answers, Node's system errors and timeouts. Anything else may
 * quote what was read, as `JSON.parse` quotes a cut-off answer with a secret in it.
 */
const speaksSafely = (error: Error): boolean =>
  property(error, '$fault') !== undefined ||
  typeof property(error, 'code') === 'string' ||
  error.name === 'TimeoutError';

const describe = (thrown: unknown): Error => {
  if (!(thrown instanceof Error)) return new Error('a value that is no error was thrown');
  const safe = new Error(speaksSafely(thrown) ? thrown.message : 'its words are withheld');
  safe.name = thrown.name;
  return safe;
};

/** Runs a call of the SDK; what it throws becomes a `RefresherError` that says what was attempted and why it failed. */
export const guarded = async <T>(code: ErrorCode, attempt: string, call: () => Promise<T>): Promise<T> => {
  try {
    return await call();
  } catch (thrown) {
    if (thrown instanceof RefresherError) throw thrown;
    const cause = describe(thrown);
    throw new RefresherError(code, `could not ${attempt}: ${cause.name}`, { cause });
  }
};
