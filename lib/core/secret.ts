import { isObject, jsonObject } from './json.ts';
import { type Labels, labelsIn } from './labels.ts';
import { type ConnectionId, connectionId, type SecretVersion, secretVersion } from './types.ts';

/** A secret `token-refresher/<provider>/<name>`: the provider, and the name after the prefix. */
export interface SecretName {
  readonly provider: string;
  readonly secret: ConnectionId;
}

export const parseSecretName = (prefix: string, name: string): SecretName | undefined => {
  if (!name.startsWith(prefix)) return undefined;
  const [provider, own, ...rest] = name.slice(prefix.length).split('/');
  if (provider === undefined || own === undefined || rest.length > 0) return undefined;
  const secret = connectionId(provider, own);
  return secret && { provider, secret };
};

const MARK = 6;

/**
 * The writer of a secret chooses version ids, and may reuse one of a deleted secret with the same name. The last six
 * characters of an ARN are new for each secret.
 */
export const versionOf = (arn: string, id: string): SecretVersion => secretVersion(`${arn.slice(-MARK)}:${id}`);

/** Whether two versions certainly belong to two secrets: the first was deleted, and the second took its name. */
export const areOfTwoSecrets = (first: SecretVersion | undefined, second: SecretVersion): boolean =>
  first?.at(MARK) === ':' && second.at(MARK) === ':' && first.slice(0, MARK) !== second.slice(0, MARK);

/** How many connections one secret may hold, unless the deployment sets another number. */
export const CONNECTIONS_PER_SECRET = 200;

export type SecretContent =
  | {
      readonly ok: true;
      readonly connections: ReadonlyMap<ConnectionId, Labels>;
      /** Includes the malformed ones. */
      readonly keys: number;
      /** How many labels are malformed. */
      readonly badLabels: number;
    }
  | { readonly ok: false; readonly code: 'secret_malformed' | 'too_many_connections' };

/** The connections that one secret holds: itself, or one for each key of its `connections`. */
export const connectionsIn = (secret: ConnectionId, text: string, most: number): SecretContent => {
  const json = jsonObject(text);
  if (!json) return { ok: false, code: 'secret_malformed' };
  if (json.connections === undefined) {
    const { labels, bad } = labelsIn(json);
    return { ok: true, connections: new Map([[secret, labels]]), keys: 1, badLabels: bad };
  }
  if (!isObject(json.connections)) return { ok: false, code: 'secret_malformed' };
  const keys = Object.keys(json.connections);
  if (keys.length > most) return { ok: false, code: 'too_many_connections' };
  const [provider = '', name = ''] = secret.split('/');
  const connections = new Map<ConnectionId, Labels>();
  let badLabels = 0;
  for (const key of keys) {
    const id = connectionId(provider, name, key);
    if (!id) continue;
    const { labels, bad } = labelsIn(credentialsIn(json, key));
    connections.set(id, labels);
    badLabels += bad;
  }
  return { ok: true, connections, keys: keys.length, badLabels };
};

/** The fields that every secret may have besides credentials. */
const LABELS: ReadonlySet<string> = new Set(['expires', 'tags']);

/** The names that are neither fields of the provider nor labels. Names that begin with `_` are notes of the writer. */
export const unknownFieldsIn = (
  known: readonly string[],
  secret: Readonly<Record<string, unknown>>,
): readonly string[] =>
  Object.keys(secret).filter(
    name => secret[name] !== undefined && !known.includes(name) && !LABELS.has(name) && !name.startsWith('_'),
  );

/** One connection's fields: the secret's own, or the shared ones overridden by those of its key. */
export const credentialsIn = (json: Readonly<Record<string, unknown>>, key: string | undefined): unknown => {
  const { connections, ...shared } = json;
  if (key === undefined) return json;
  const own = isObject(connections) && Object.hasOwn(connections, key) ? connections[key] : undefined;
  return isObject(own) ? { ...shared, ...own } : own;
};
