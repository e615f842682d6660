import type { HttpRequest } from '../../lib/core/provider.ts';
import { providers } from '../../lib/providers/index.ts';
import type { Instead } from '../kit/simulated.ts';
import { answer } from '../kit/vendor.ts';

export const ids = providers.map(({ id }) => id);

const jsonOf = (reply: ReturnType<Instead>): Record<string, unknown> =>
  reply.kind === 'answer' ? JSON.parse(reply.body) : {};

/** The simulator's own answer with some fields changed; `undefined` removes one. */
export const altered =
  (change: object): Instead =>
  (request, simulated) =>
    answer({ ...jsonOf(simulated(request)), ...change });

export const refreshRequests = (calls: readonly HttpRequest[]) =>
  calls.filter(({ body = '', headers }) => `${body}${headers['x-grant-type']}`.includes('refresh_token'));

/** Petrosoft's answer to a refresh token that it refuses: it repeats the token. */
export const echo = (token: string) => ({
  success: false,
  data: [],
  message: `JWT missing parts. Total number of parts: 2 Token: ${token}`,
  http_code: 500,
  errors: [],
  total: null,
});
