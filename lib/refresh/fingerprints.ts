import { keyedFingerprint } from '../core/fingerprint.ts';
import type { LoginStore } from '../ports.ts';

/**
 * Keyed fingerprints of credentials, to compare them. Checking password guesses against them needs the key, which only
 * the provider's `refresh` can read.
 */
export class Fingerprints {
  readonly #store: Pick<LoginStore, 'key'>;
  readonly #random: () => string;
  readonly #keys = new Map<string, Promise<string>>();

  /** `random` makes an unguessable key if there is none yet. */
  constructor(store: Pick<LoginStore, 'key'>, random: () => string) {
    this.#store = store;
    this.#random = random;
  }

  /** The fingerprint function of one provider. Rejects if the store does. */
  async of(provider: string): Promise<(text: string) => string> {
    const known = this.#keys.get(provider);
    const pending = known ?? this.#store.key(provider, this.#random());
    this.#keys.set(provider, pending);
    try {
      const key = await pending;
      return text => keyedFingerprint(key, text);
    } catch (error) {
      this.#keys.delete(provider);
      throw error;
    }
  }
}
