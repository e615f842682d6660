import { describe, expect, it } from 'vitest';
import { builtIn, providers } from '../../lib/providers/index.ts';
import { simulatedAccount } from '../../local/simulators/accounts.ts';

const officernd = builtIn('officernd');
const powerofficeV2 = builtIn('poweroffice-v2');

const problemsOf = (provider: typeof officernd, more: object) => {
  const opened = provider.open({ ...simulatedAccount(provider.id, 'acme').fields, ...more });
  return opened.ok ? [] : opened.problems;
};

describe('a field that the provider does not have', () => {
  it('is refused, and the one that is meant is named', () => {
    expect(problemsOf(powerofficeV2, { enviroment: 'demo' })).toEqual([
      {
        field: 'enviroment',
        message: '"enviroment" is not a field of poweroffice-v2: did you mean "environment"?',
      },
    ]);
    expect(problemsOf(officernd, { organisationSlug: 'acme' })).toMatchObject([
      { message: expect.stringContaining('did you mean "organizationSlug"?') },
    ]);
  });

  it.each([
    ['expire', 'expires'],
    ['tag', 'tags'],
    ['conections', 'connections'],
  ])('may be meant for what every secret may have: %s', (field, meant) => {
    expect(problemsOf(officernd, { [field]: 'x' })).toMatchObject([
      { field, message: expect.stringContaining(`did you mean "${meant}"?`) },
    ]);
  });

  it('is refused with a sentence that says what to do if none is near', () => {
    expect(problemsOf(officernd, { owner: 'Ann' })).toEqual([
      {
        field: 'owner',
        message: '"owner" is not a field of officernd: remove it, or begin its name with "_" to keep it as a note',
      },
    ]);
  });

  it('is not named if its name may be a misplaced credential', () => {
    const name = 'sk_live_4f9d8c2b7a';
    const problems = problemsOf(officernd, { [name]: '', 'eyJhbGciOiJ9.x': '' });
    expect(problems).toMatchObject([
      { field: '', message: expect.stringMatching(/^2 of the names in the secret are /) },
    ]);
    expect(JSON.stringify(problems)).not.toContain(name);
  });

  it('comes with what else is wrong', () => {
    const fields = problemsOf(officernd, { clientSecret: '', clientsecret: 's' }).map(({ field }) => field);
    expect(fields).toEqual(['clientSecret', 'clientsecret']);
  });
});

it.each(providers.map(provider => [provider.id, provider] as const))('%s takes labels and notes', (_, provider) => {
  const more = { expires: '2027-03-01', tags: { customer: 'Acme' }, _owner: 'Ann', _: 1 };
  expect(problemsOf(provider, { baseUrl: 'https://127.0.0.1', ...more })).toEqual([]);
});
