import type { ClientEnvironment } from './environment.ts';
import { isVerdict } from './errors.ts';
import type { CurrentToken, TokenSource } from './token.ts';

/** The first source, and the second one if the first has no token that is valid for long enough. */
export const withFallback = (
  first: TokenSource,
  second: TokenSource,
  { now }: Pick<ClientEnvironment, 'now'>,
): TokenSource => ({
  get: async (connection, options) => {
    const [given] = await Promise.allSettled([first.get(connection, options)]);
    if (given.status === 'fulfilled' && given.value.expiresAt - now() >= options.minTtl * 1000) return given.value;
    try {
      return await second.get(connection, options);
    } catch (error) {
      if (given.status === 'fulfilled') return given.value;
      throw isVerdict(error) ? error : given.reason;
    }
  },
  renew: async refused => {
    const newer = await first.renew(refused).catch((): CurrentToken | undefined => undefined);
    return newer ?? second.renew(refused);
  },
});
