import { generateKeyPairSync } from 'node:crypto';
import type { DefinitionData } from '../../lib/definition/schema.ts';

const CURVES: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };
const pem = { type: 'pkcs8', format: 'pem' } as const;

const newKey = (algorithm: string) => {
  if (algorithm === 'EdDSA') return generateKeyPairSync('ed25519');
  const namedCurve = CURVES[algorithm];
  return namedCurve ? generateKeyPairSync('ec', { namedCurve }) : generateKeyPairSync('rsa', { modulusLength: 2048 });
};

/** Making an RSA key is slow: each algorithm has only one. */
const keys = new Map<string, ReturnType<typeof newKey>>();
export const keyFor = (algorithm: string): ReturnType<typeof newKey> => {
  const key = keys.get(algorithm) ?? newKey(algorithm);
  keys.set(algorithm, key);
  return key;
};

/** A value for each field. A text is the field's name, which also fits the name of a host. */
const valueFor = (data: DefinitionData, name: string): string => {
  const { oneOf = [], privateKey } = data.fields[name] ?? {};
  if (!privateKey) return oneOf[0] ?? name;
  return String(keyFor(data.assertion?.algorithm ?? 'RS256').privateKey.export(pem));
};

/**
 * A secret that a definition accepts, for each group of its alternatives: with all fields, and with only the required
 * ones.
 */
export const inventedSecrets = (data: DefinitionData): readonly Readonly<Record<string, string>>[] => {
  const { alternatives = [[]], base } = data;
  const isAlternative = new Set(alternatives.flat());
  const own = Object.entries(data.fields).filter(([name]) => !isAlternative.has(name));
  const needed = own.filter(([, field]) => !field.optional && field.default === undefined);
  const address = typeof base === 'object' && 'purpose' in base ? { baseUrl: hostOf(data) } : {};
  const filled = (names: readonly string[]) => Object.fromEntries(names.map(name => [name, valueFor(data, name)]));
  return alternatives.flatMap(group =>
    [own, needed].map(fields => ({ ...filled([...fields.map(([name]) => name), ...group]), ...address })),
  );
};

const hostOf = ({ hosts: [host = ''] }: DefinitionData): string => `https://${host.replace('*', 'invented')}`;
