/** The result of `work`, unless the signal aborts first. The work goes on: others may wait for it. */
export const unlessAborted = <T>(signal: AbortSignal | null | undefined, work: Promise<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    const abort = () => reject(signal?.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort);
    work.then(resolve, reject).finally(() => signal?.removeEventListener('abort', abort));
  });
