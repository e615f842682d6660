import type { TokenClient } from 'token-refresher/client';
import { Agent, interceptors } from 'undici';

/** A dispatcher whose requests have the token of a connection. */
export const agentFor = (tokens: TokenClient, connection: string) =>
  new Agent().compose(tokens.interceptorFor(connection), interceptors.redirect({ maxRedirections: 5 }));
