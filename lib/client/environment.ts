/** What the client needs of its process. */
export interface ClientEnvironment {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
  /** A signal that aborts after so many milliseconds. */
  readonly deadline: (patience: number) => AbortSignal;
  readonly env: Readonly<Record<string, string | undefined>>;
}
