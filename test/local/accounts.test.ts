import { expect, it } from 'vitest';
import { connectionsIn, credentialsIn, parseSecretName } from '../../lib/core/secret.ts';
import { keyOf, providerOf } from '../../lib/core/types.ts';
import { findProvider, providerIds } from '../../lib/providers/index.ts';
import {
  simulatedAccount,
  simulatedAccounts,
  simulatedIdOf,
  simulatedSecrets,
} from '../../local/simulators/accounts.ts';

const secrets = simulatedSecrets('http://127.0.0.1:1');

/** The connections of all secrets, with their credentials, as discovery finds them. */
const connections = Object.entries(secrets).flatMap(([name, secret]) => {
  const parsed = parseSecretName('', name);
  const content = parsed && connectionsIn(parsed.secret, JSON.stringify(secret), 10);
  if (!content?.ok) return [];
  return [...content.connections.keys()].map(id => ({ id, credentials: credentialsIn(secret, keyOf(id)) }));
});

it('are at least ten connections over all providers, each with credentials that its provider opens', () => {
  expect(connections.map(({ id }) => id).sort()).toEqual(simulatedAccounts.map(simulatedIdOf).sort());
  expect(connections.length).toBeGreaterThanOrEqual(10);
  for (const { id, credentials } of connections) {
    const opened = findProvider(providerOf(id))?.open(credentials);
    expect(opened).toMatchObject({ ok: true });
    if (opened?.ok) expect(opened.account.logIn().url).toMatch(`http://127.0.0.1:1/${providerOf(id)}/`);
  }
  expect(new Set(connections.map(({ id }) => providerOf(id)))).toEqual(new Set(providerIds));
});

it('share a secret if they belong to one integration', () => {
  const shared = secrets['poweroffice-v2/nordic-books'];
  expect(Object.keys(shared ?? {}).sort()).toEqual(['appKey', 'baseUrl', 'connections', 'subscriptionKey']);
  expect(shared?.connections).toMatchObject({
    oslo: { clientKey: expect.any(String) },
    bergen: { clientKey: expect.any(String) },
  });
});

it('are the same each time, and there are none of an unknown provider', () => {
  expect(simulatedSecrets('http://127.0.0.1:1')).toEqual(secrets);
  expect(() => simulatedAccount('made-up', 'acme')).toThrow('There are no made-up credentials');
});
