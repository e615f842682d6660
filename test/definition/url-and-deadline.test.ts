import { expect, it } from 'vitest';
import { providerFromData } from '../../lib/definition/from-file.ts';
import { DefinitionError } from '../../lib/definition/parse.ts';

const acme = {
  id: 'acme',
  title: 'Acme',
  source: 'https://acme.test/docs',
  lifetime: '1h',
  fields: { password: { purpose: 'the password' } },
  base: 'https://login.acme.test',
  login: { url: '{base}/token', form: { password: '{password}' } },
  consumer: { baseUrl: '{base}' },
  hosts: ['login.acme.test'],
};

it.each([
  [
    { login: { url: '{base}/token?a=b' } },
    '"login.url" must not have "?" or "#": write what comes after "?" as "query".',
  ],
  [
    { callDeadline: '34s' },
    '"callDeadline" must be at least 1s and at most 33s: the lease holds the calls of a whole run.',
  ],
  [{ callDeadline: '0.5s' }, '"callDeadline" must be at least 1s and at most 33s'],
  [{ callDeadline: '31s', rateLimit: { calls: 1, per: '1s' } }, '"callDeadline" must be at least 1s and at most 30s'],
])('%j is refused with a sentence', (change, sentence) => {
  const read = () => providerFromData({ ...acme, ...change });
  expect(read).toThrow(DefinitionError);
  expect(read).toThrow(sentence);
});

it('the longest deadline is taken', () => {
  expect(providerFromData({ ...acme, callDeadline: '33s' }).callDeadline).toBe(33_000);
});
