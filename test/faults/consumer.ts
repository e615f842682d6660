import type { ConnectionView } from '../../lib/api/answers.ts';
import type { ConnectionId, Token } from '../../lib/core/types.ts';
import { authorized } from './key.ts';
import type { Running } from './processes.ts';

/** The calls of a program that uses a connection: to the API, and to the provider with the token. */
export interface Got {
  readonly status: number;
  readonly accessToken?: string;
  /** Whether the provider accepted the token. */
  readonly accepted: boolean;
}

export const use = async ({ url }: Running, connection: ConnectionId): Promise<Got> => {
  const answer = await fetch(`${url}/tokens/${connection}`, authorized);
  const { status } = answer;
  if (!answer.ok) return { status, accepted: false };
  const { accessToken, baseUrl, headers } = (await answer.json()) as Token;
  const { ok: accepted } = await fetch(`${baseUrl}/things`, { headers });
  return { status, accessToken, accepted };
};

/** The provider refused the token of that time: request another from the API. Resolves to its status. */
export const complain = async ({ url }: Running, { connection, issuedAt }: Token): Promise<number> => {
  const body = JSON.stringify({ issuedAt: new Date(issuedAt).toISOString() });
  return (await fetch(`${url}/tokens/${connection}`, { ...authorized, method: 'POST', body })).status;
};

export const connectionViewOf = async (
  { url }: Running,
  connection: ConnectionId,
): Promise<ConnectionView | undefined> => {
  const answer = await fetch(`${url}/connections`, authorized);
  const { connections } = (await answer.json()) as { readonly connections: readonly ConnectionView[] };
  return connections.find(each => each.connection === connection);
};

/** Logs the person out at iOFFICE: all tokens of that login end. */
export const logOut = async ({ baseUrl, accessToken }: Token): Promise<void> => {
  await fetch(`${baseUrl}/external/api/oauth2/revoke`, { headers: { 'x-token': accessToken } });
};
