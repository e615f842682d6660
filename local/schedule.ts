import type { Laptop } from './laptop.ts';

/** Ticks like EventBridge's schedules, but skips a tick while the last one is running. */
export const runTicks = (ticks: Laptop['ticks'], onError: (error: unknown) => void): { close(): Promise<void> } => {
  const underway = new Set<Promise<void>>();
  const timers = ticks.map(({ every, run }) => {
    let busy = false;
    const tick = async () => {
      if (busy) return;
      busy = true;
      await run().then(() => {}, onError);
      busy = false;
    };
    return setInterval(() => {
      const running = tick().finally(() => underway.delete(running));
      underway.add(running);
    }, every);
  });
  return {
    close: async () => {
      for (const timer of timers) clearInterval(timer);
      await Promise.all(underway);
    },
  };
};
