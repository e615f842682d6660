import type { Account } from '../../lib/core/provider.ts';
import { epochMs } from '../../lib/core/types.ts';
import { providerFromData } from '../../lib/definition/from-file.ts';

/** A small definition, and what tests do with changes of it. */

export const request = { url: '{base}/token', form: { client_id: '{clientId}', client_secret: '{clientSecret}' } };
export const small = {
  id: 'acme',
  title: 'Acme',
  source: 'made up',
  lifetime: '1h',
  fields: { clientId: { purpose: 'the client id' }, clientSecret: { purpose: 'the client secret' } },
  base: 'https://login.acme.test',
  login: request,
  consumer: { baseUrl: '{base}/api' },
  hosts: ['login.acme.test'],
};
export const secret = { clientId: 'c', clientSecret: 's' };

export const withField = (name: string, more: object = {}) => ({
  ...small.fields,
  [name]: { purpose: `the ${name}`, ...more },
});

export const providerWith = (change: object) => providerFromData({ ...small, ...change });
export const openAcme = (change: object, of: object) => providerWith(change).open(of);

export const acmeAccountOf = (change: object, of: object = secret): Account => {
  const opened = openAcme(change, of);
  if (!opened.ok) throw new Error(opened.problems.map(({ message }) => message).join());
  return opened.account;
};

/** The sentences about a secret. */
export const acmeProblemsOf = (change: object, of: object): readonly string[] => {
  const opened = openAcme(change, of);
  return opened.ok ? [] : opened.problems.map(({ message }) => message);
};

/** What makes a definition of another; without one, that there is no fault. */
export const faultsOf = (change: object): readonly string[] => {
  try {
    providerWith(change);
    return [];
  } catch (error) {
    return String(error instanceof Error ? error.message : error).split('\n');
  }
};

export const NOW = epochMs(Date.UTC(2026, 0, 1));
