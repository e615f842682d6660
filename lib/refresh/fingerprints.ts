import { keyedFingerprint } from '../core/fingerprint.ts';
import type { LoginStore } from '../ports.ts';

/**
 * Keyed fingerprints of credentials: they tell whether two are the same. Nobody can try passwords against them without
 * the key, which is stored where only the provider's `refresh` can read it.
 */
export class Fingerprints {
  readonly #store: Pick<LoginStore, 'key'>;
  readonly #random: () => string;
  readonly #keys = new Map<string, Promise<string>>();

  /** `random` makes a key that nobody can guess, if there is none yet. */
  constructor(store: Pick<LoginStore, 'key'>, random: () => string) {
    this.#store = store;
    this.#random = random;
  }

  /** The function that makes them for one provider. Rejects as the store does. */
  async of(provider: string): Promise<(text: string) => string> {
    const known = this.#keys.get(provider);
    const asked = known ?? this.#store.key(provider, this.#random());
    this.#keys.set(provider, asked);
    try {
      const key = await asked;
      return text => keyedFingerprint(key, text);
    } catch (error) {
      this.#keys.delete(provider);
      throw error;
    }
  }
}
