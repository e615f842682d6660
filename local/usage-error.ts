/** An error that the person at the terminal can fix: one sentence, exit code 2, nothing started. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
