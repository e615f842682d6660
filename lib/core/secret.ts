import { isObject, jsonObject } from './jwt.ts';
import { type ConnectionId, connectionId, type SecretRef } from './types.ts';

/** `token-refresher/<provider>/<name>` */
export const parseSecretName = (
  prefix: string,
  name: string,
): { readonly provider: string; readonly connection: ConnectionId } | undefined => {
  if (!name.startsWith(prefix)) return undefined;
  const [provider, own, ...rest] = name.slice(prefix.length).split('/');
  if (!provider || !own || rest.length > 0) return undefined;
  const connection = connectionId(provider, own);
  return connection && { provider, connection };
};

export type SecretContent =
  | {
      readonly ok: true;
      readonly connections: ReadonlyMap<ConnectionId, SecretRef>;
      readonly badNames: readonly string[];
    }
  | { readonly ok: false };

/** The connections that one secret holds: itself, or each key of its `connections`. */
export const connectionsIn = (
  secret: { readonly name: string; readonly provider: string; readonly connection: ConnectionId },
  text: string,
): SecretContent => {
  const json = jsonObject(text);
  if (!json) return { ok: false };
  if (json.connections === undefined) {
    return { ok: true, connections: new Map([[secret.connection, { name: secret.name }]]), badNames: [] };
  }
  if (!isObject(json.connections)) return { ok: false };
  const connections = new Map<ConnectionId, SecretRef>();
  const badNames: string[] = [];
  for (const key of Object.keys(json.connections)) {
    const id = connectionId(secret.provider, key);
    if (id) connections.set(id, { name: secret.name, key });
    else badNames.push(key);
  }
  return { ok: true, connections, badNames };
};

/** One connection's fields: the secret's own, or the shared ones with those of its key laid over them. */
export const credentialsIn = (json: Readonly<Record<string, unknown>>, key: string | undefined): unknown => {
  const { connections, ...shared } = json;
  if (key === undefined) return json;
  const own = isObject(connections) && Object.hasOwn(connections, key) ? connections[key] : undefined;
  return isObject(own) ? { ...shared, ...own } : own;
};
