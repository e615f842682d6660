import type { EpochMs, Milliseconds, SecretVersion } from '../../lib/core/types.ts';
import type { SecretListing } from '../../lib/ports.ts';
import type { Stores } from '../kit/memory.ts';

type Secrets = Stores['secrets'];

/** Secrets whose list may be some time old, as in Secrets Manager; a read of a secret is always current. */
export const lagging = (secrets: Secrets, now: () => EpochMs, lag: () => Milliseconds): Secrets => {
  const lists: { readonly at: EpochMs; readonly list: readonly SecretListing[] }[] = [];
  const after =
    <A extends readonly unknown[]>(change: (...args: A) => Promise<void>) =>
    async (...args: A): Promise<void> => {
      await change(...args);
      lists.push({ at: now(), list: await secrets.list('') });
    };
  return {
    get: name => secrets.get(name),
    list: async prefix => {
      const seen = now() - lag();
      const old = lists.findLast(({ at }) => at <= seen)?.list ?? [];
      return old.filter(({ name }) => name.startsWith(prefix));
    },
    put: after((name: string, text?: string, version?: SecretVersion) => secrets.put(name, text, version)),
    delete: after((name: string) => secrets.delete(name)),
    erase: after((name: string) => secrets.erase(name)),
    restore: after((name: string) => secrets.restore(name)),
  };
};
