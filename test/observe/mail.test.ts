import { describe, expect, it } from 'vitest';
import { errorCodes } from '../../lib/core/errors.ts';
import type { ConnectionTrouble, News } from '../../lib/core/news.ts';
import { type Connection, type EpochMs, minutes, plus } from '../../lib/core/types.ts';
import { type Mail, mailing, mailOf, summaryOf } from '../../lib/observe/mail.ts';
import { connectionOf, idOf, START } from '../kit/records.ts';

const sender = { name: 'shop', runbook: 'https://example.com/runbook.md' };
const error = { code: 'invalid_grant', at: START, since: START, times: 1, status: 401 } as const;
const news = (
  change: Partial<Connection> = {},
  fresh: ConnectionTrouble[] = [{ kind: 'attention', at: START }],
): News => ({
  record: connectionOf(idOf('acme'), {
    status: 'attention',
    lastError: error,
    expiresAt: plus(START, minutes(5)),
    ...change,
  }),
  fresh,
  troubles: [],
});

describe('a mail about one connection', () => {
  it('says what happened, since when, how long the token is valid, and what to do', () => {
    expect(mailOf(news(), sender, START)).toEqual({
      subject: 'shop: test-provider/acme needs attention',
      text: `test-provider/acme has needed attention since 2023-11-14T22:13:20Z.

Last error: invalid_grant, HTTP status 401, at 2023-11-14T22:13:20Z.
Token: valid until 2023-11-14T22:18:20Z.

What to do: The provider rejects the credentials. Update the secret; it is read within a minute and tried at the next tick.
https://example.com/runbook.md#attention
`,
    });
  });

  it.each([
    ['no-token', 'has no valid token', 'has had no valid token since'],
    ['life-low', 'has a valid token, but refreshes fail', 'has a valid token, but refreshes have failed since'],
    ['overdue', 'is overdue for a refresh', 'has been overdue for a refresh since'],
  ] as const)('of %s has the trouble in its subject, since when, and what to do', (kind, title, since) => {
    const { subject, text } = mailOf(news({}, [{ kind, at: START }]), sender, START);
    expect(subject).toBe(`shop: test-provider/acme ${title}`);
    expect(text).toContain(`test-provider/acme ${since} 2023-11-14T22:13:20Z.`);
    expect(text).toMatch(/What to do: [A-Z].{10,}/);
  });

  it('names the fields of the secret at fault', () => {
    const { text } = mailOf(
      news({ lastError: { ...error, code: 'secret_invalid', fields: ['clientKey', 'scope'] } }),
      sender,
      START,
    );
    expect(text).toContain('fields: clientKey, scope');
    expect(text).toContain('Correct the secret');
  });

  it('says so if there is no token, and no error yet', () => {
    const record = connectionOf(idOf('acme'));
    const { subject, text } = mailOf({ record, fresh: [{ kind: 'overdue', at: START }], troubles: [] }, sender, START);
    expect(subject).toBe('shop: test-provider/acme is overdue for a refresh');
    expect(text).toContain('Token: there is none.');
    expect(text).not.toContain('Last error');
    expect(text).toContain('https://example.com/runbook.md#overdue');
  });

  it('says when the token expired, if it has', () => {
    const expiresAt = plus(START, minutes(5));
    const fresh: ConnectionTrouble[] = [{ kind: 'no-token', at: expiresAt }];
    const textAt = (now: EpochMs) => mailOf(news({ status: 'failing', expiresAt }, fresh), sender, now).text;
    expect(textAt(plus(START, minutes(6)))).toContain('\nToken: expired at 2023-11-14T22:18:20Z.\n');
    expect(textAt(expiresAt)).toContain('expired at');
    expect(textAt(plus(START, minutes(4)))).toContain('\nToken: valid until 2023-11-14T22:18:20Z.\n');
  });

  it('says so if the credentials have expired', () => {
    const fresh: ConnectionTrouble[] = [{ kind: 'expiring', at: START, days: 3 }];
    const { subject, text } = mailOf(news({ status: 'healthy' }, fresh), sender, START);
    expect(subject).toBe('shop: test-provider/acme has expired');
    expect(text).toContain('test-provider/acme expired at 2023-11-14T22:13:20Z.');
    const before = mailOf(news({ status: 'healthy' }, fresh), sender, plus(START, -1));
    expect(before.subject).toBe('shop: test-provider/acme expires soon');
    expect(before.text).toContain('test-provider/acme expires at');
  });

  it('marks tags as tags: their values are anything', () => {
    const { text } = mailOf(news({ labels: { tags: { 'What.to.do': 'Log in at example.org' } } }), sender, START);
    expect(text).toContain('\nTag What.to.do: Log in at example.org\n');
  });

  it('advises something for every code', () => {
    for (const code of errorCodes) {
      expect(mailOf(news({ lastError: { ...error, code } }), sender, START).text).toMatch(/What to do: [A-Z].{10,}/);
    }
  });

  it('has a subject that the topic takes', () => {
    const connection = idOf('n'.repeat(100));
    const { subject } = mailOf({ ...news(), record: connectionOf(connection) }, sender, START);
    expect(subject).toHaveLength(99);
    expect(subject).toMatch(/n\.\.\. needs attention$/);
  });
});

describe('a summary', () => {
  const many = Array.from(
    { length: 25 },
    (_, n): News => ({ ...news(), record: { ...news().record, connection: idOf(`c${n}`) } }),
  );

  it('counts connections by provider, trouble and code, and names the first twenty', () => {
    const { subject, text } = summaryOf(many, sender, START);
    expect(subject).toBe('shop: 25 connections are in trouble');
    expect(text).toContain('- 25 of test-provider: needs attention (invalid_grant)');
    expect(text).toContain(
      'test-provider/c19 has needed attention since 2023-11-14T22:13:20Z; valid until 2023-11-14T22:18:20Z',
    );
    expect(text).not.toContain('test-provider/c20');
    expect(text).toContain('and 5 more');
    expect(text).toContain('https://example.com/runbook.md#attention');
  });

  it('says which tokens have expired', () => {
    const { text } = summaryOf(many, sender, plus(START, minutes(6)));
    expect(text).toContain('since 2023-11-14T22:13:20Z; expired at 2023-11-14T22:18:20Z');
  });
});

describe('sending', () => {
  it('takes one mail for each, or one for all', async () => {
    const sent: Mail[] = [];
    const send = mailing(async mail => void sent.push(mail), sender);
    await send([news()], 'singly', START);
    await send([news(), news()], 'summary', START);
    expect(sent.map(({ subject }) => subject)).toEqual([
      'shop: test-provider/acme needs attention',
      'shop: 2 connections are in trouble',
    ]);
  });

  it('judges tokens at the time of the news', async () => {
    const sent: Mail[] = [];
    const send = mailing(async mail => void sent.push(mail), sender);
    for (const how of ['singly', 'summary'] as const) await send([news()], how, plus(START, minutes(6)));
    expect(sent.map(({ text }) => /expired at|valid until/.exec(text)?.[0])).toEqual(['expired at', 'expired at']);
  });
});
