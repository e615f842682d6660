import { type ConnectionId, connectionId, type Milliseconds, seconds } from '../core/types.ts';
import { type HttpAnswer, problem } from './problem.ts';

export interface HttpQuestion {
  readonly method: string;
  /** As it was sent: percent-encoded. */
  readonly path: string;
  readonly query: Readonly<Record<string, string | undefined>>;
}

export type Route =
  | { readonly to: 'token'; readonly connection: ConnectionId; readonly minTtl: Milliseconds }
  | { readonly to: 'refresh'; readonly connection: ConnectionId }
  | { readonly to: 'connections' };

const DEFAULT_MIN_TTL = 60;
const LONGEST_MIN_TTL = 86_400;

/** Where a request leads, or the problem with it. */
export const route = ({ method, path, query }: HttpQuestion): Route | HttpAnswer => {
  const parts = decoded(path);
  if (!parts) return problem('malformed_request', 'The path is not valid percent-encoding.');
  const [root, provider, name, action, ...rest] = parts;
  if (root === 'connections' && provider === undefined) {
    return method === 'GET' ? { to: 'connections' } : notAllowed('GET');
  }
  const known = root === 'tokens' && provider && name && rest.length === 0 && (action ?? 'refresh') === 'refresh';
  if (!known) {
    const paths = 'GET /tokens/{provider}/{name}, POST /tokens/{provider}/{name}/refresh and GET /connections';
    return problem('not_found', `The API has ${paths}.`);
  }
  const allowed = action === 'refresh' ? 'POST' : 'GET';
  if (method !== allowed) return notAllowed(allowed);
  const connection = connectionId(provider, name);
  if (!connection) {
    const rule =
      'A provider is 1-40 lower-case letters, digits or "-"; a name is 1-100 letters, digits, ".", "_" or "-".';
    return problem('malformed_request', `The path names no connection. ${rule}`);
  }
  if (action === 'refresh') return { to: 'refresh', connection };
  const minTtl = query.minTtl ?? String(DEFAULT_MIN_TTL);
  if (!/^\d{1,5}$/.test(minTtl) || Number(minTtl) > LONGEST_MIN_TTL) {
    return problem('malformed_request', `"minTtl" is a whole number of seconds from 0 to ${LONGEST_MIN_TTL}.`);
  }
  return { to: 'token', connection, minTtl: seconds(Number(minTtl)) };
};

const decoded = (path: string): string[] | undefined => {
  try {
    return path.replace(/^\//, '').replace(/\/$/, '').split('/').map(decodeURIComponent);
  } catch {
    return undefined;
  }
};

const notAllowed = (allowed: string): HttpAnswer =>
  problem('method_not_allowed', `This path takes ${allowed} only.`, {}, { allow: allowed });
