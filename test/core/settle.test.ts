import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../lib/core/errors.ts';
import { fingerprint } from '../../lib/core/fingerprint.ts';
import type { Granted } from '../../lib/core/interpret.ts';
import { defaultPolicy as policy, renewalOf } from '../../lib/core/policy.ts';
import {
  type RunFailure,
  sessionAfter,
  settleFailed,
  settleGranted,
  settlePostponed,
  settleUnchanged,
  tokenOf,
} from '../../lib/core/settle.ts';
import { type Connection, hours, minutes, plus, seconds, secretVersion, version } from '../../lib/core/types.ts';
import { connectionOf, idOf, START, sessionOf } from '../kit/records.ts';
import { testProvider } from '../kit/vendor.ts';

const provider = testProvider();
const [v1, v2] = [secretVersion('v1'), secretVersion('v2')];
const [t1, t2] = [
  { version: v1, fingerprint: 'one' },
  { version: v2, fingerprint: 'two' },
];
const at = (offset: number) => plus(START, offset);
const session = sessionOf({ refreshToken: 'held', endsAt: at(hours(9)) });
const note = { version: version(3), endsAt: at(hours(9)) };

const granted: Granted = {
  kind: 'granted',
  accessToken: 'a',
  tokenType: 'Bearer',
  issuedAt: START,
  expiresAt: at(hours(1)),
  headers: { authorization: 'Bearer a' },
  baseUrl: 'https://api.test',
  warnings: ['scope_narrowed'],
};
const life = { issuedAt: at(-minutes(30)), expiresAt: at(minutes(30)) };
const seen = (change: Partial<Connection> = {}) =>
  connectionOf(idOf('acme'), {
    status: 'healthy',
    ...life,
    session: note,
    base: 'https://login.test',
    discoveredVersion: v1,
    usedVersion: v1,
    credentials: 'one',
    redeemedCode: 'f',
    ...change,
  });
const failed = (
  trouble: RunFailure,
  change: Partial<Connection> = {},
  more: object = {},
  by = provider,
  random = 0.5,
) => settleFailed(policy, by, seen(change), trouble, { calls: 1, tried: t1, session: note, ...more }, START, random);

const refused: RunFailure = { kind: 'refused', code: 'invalid_grant', status: 401 };
const retry: RunFailure = { kind: 'retry', code: 'rate_limited', status: 429 };
const unknown: RunFailure = { kind: 'unknown', code: 'timeout' };
const noVerdicts: readonly [string, RunFailure][] = [
  ['that may pass', retry],
  ['that nobody knows the outcome of', unknown],
  ['of the store', { kind: 'unknown', code: 'store_failed' }],
];
/** An error that occurs for the first time. */
const first = (code: ErrorCode) => ({ code, at: START, since: START, times: 1 });

describe('the session after', () => {
  const issuer = { base: 'https://login.test', binding: 'b' };
  const kept = (grant: 'login' | 'refresh', change: Partial<Granted> = {}, irreplaceable = false) =>
    sessionAfter(seen(), session, { grant, irreplaceable }, { ...granted, ...change }, provider, issuer);
  const fresh = { refreshToken: 'new', ...issuer };

  it('a login is the new one, or none', () => {
    expect(kept('login', { refreshToken: 'new', sessionEndsAt: at(5) })).toEqual({ ...fresh, endsAt: at(5) });
    expect(kept('login', { refreshToken: 'new' })).toEqual(fresh);
    expect(kept('login')).toBeUndefined();
  });

  it('a refresh is the new one, or the old one if there is no new one (RFC 6749 §6)', () => {
    expect(kept('refresh', { refreshToken: 'new' })).toEqual(fresh);
    expect(kept('refresh', { refreshToken: 'new', sessionEndsAt: at(5) })).toEqual({ ...fresh, endsAt: at(5) });
    expect(kept('refresh')).toBe(session);
  });

  it('a refresh that did not lengthen the token’s life is none: the next grant is a login, which begins one', () => {
    const same = { refreshToken: 'new', expiresAt: life.expiresAt };
    expect(kept('refresh', same)).toBeUndefined();
    expect(kept('refresh', { ...same, expiresAt: at(minutes(36) - 1) })).toBeUndefined();
    expect(kept('refresh', { ...same, expiresAt: at(minutes(36)) })).toEqual(fresh);
    expect(kept('login', same)).toEqual(fresh);
  });

  it('a refresh of the only copy of access always keeps a session', () => {
    expect(kept('refresh', { refreshToken: 'new', expiresAt: life.expiresAt }, true)).toEqual(fresh);
    expect(kept('refresh', { expiresAt: at(1) }, true)).toBe(session);
  });
});

describe('a grant', () => {
  const account = {
    limitKey: 'k',
    base: 'https://login.test',
    logIn: () => ({ method: 'GET', url: '', headers: {} }) as const,
    usage: () => granted,
  };

  it('makes the record healthy, and leaves nothing of failures in it', () => {
    const before = seen({ status: 'attention', failures: 4, failingSince: START, attentionSince: START });
    const settled = settleGranted(policy, before, granted, { tried: t2, account, session: note });
    expect(settled).toEqual({
      status: 'healthy',
      dueAt: renewalOf(policy, before.connection, START, granted.expiresAt),
      failures: 0,
      issuedAt: START,
      expiresAt: granted.expiresAt,
      usedVersion: v2,
      settledVersion: v1,
      credentials: 'two',
      base: 'https://login.test',
      apiOrigin: 'https://api.test',
      session: note,
    });
  });

  it('forgets a session that is over, and marks a code that is spent', () => {
    const oneTime = { ...account, oneTimeCode: 'good' };
    const settled = settleGranted(policy, seen(), granted, { tried: t1, account: oneTime, session: undefined });
    expect(settled).not.toHaveProperty('session');
    expect(settled.redeemedCode).toBe(fingerprint('good'));
  });

  it('is published whole, and nothing of it that is not the consumer’s', () => {
    const { kind: _, warnings: __, ...token } = granted;
    const whole = { ...granted, refreshToken: 'r', sessionEndsAt: START };
    expect(tokenOf(idOf('acme'), whole, version(7))).toEqual({ ...token, connection: idOf('acme'), version: 7 });
  });
});

describe('a failure', () => {
  it.each(noVerdicts)('%s backs off and keeps what it had', (_, trouble) => {
    expect(failed(trouble)).toEqual({
      status: 'failing',
      dueAt: at(seconds(5)),
      failures: 1,
      failingSince: START,
      lastError: { ...first(trouble.code), ...('status' in trouble && { status: trouble.status }) },
      ...life,
      base: 'https://login.test',
      session: note,
      usedVersion: v1,
      settledVersion: v1,
      credentials: 'one',
      redeemedCode: 'f',
    });
  });

  it('continues the count of the last, and keeps its start', () => {
    const settled = failed(retry, { status: 'failing', failures: 3, failingSince: at(-7) });
    expect(settled).toMatchObject({ failures: 4, failingSince: at(-7), dueAt: at(seconds(40)) });
  });

  it('forgets a session that may be spent, and no other', () => {
    expect(failed(retry, {}, { session: undefined })).not.toHaveProperty('session');
    expect(failed(retry).session).toEqual(note);
  });

  it('waits for the provider’s Retry-After', () => {
    expect(failed({ ...retry, retryAfter: minutes(7) }).dueAt).toBe(at(minutes(7)));
  });

  it('notes the secret that it used, or none if none was read', () => {
    expect(failed(retry, {}, { tried: t2 })).toMatchObject({ usedVersion: v2, settledVersion: v1 });
    const unread = failed(retry, { discoveredVersion: v2 }, { tried: undefined });
    expect(unread).toMatchObject({ usedVersion: v1 });
    expect(unread).not.toHaveProperty('settledVersion');
  });
});

describe('attention', () => {
  it('is called for by a refusal, and probed in an hour', () => {
    expect(failed(refused)).toMatchObject({ status: 'attention', attentionSince: START, dueAt: at(hours(1)) });
    const fields = ['password'];
    const { lastError } = failed({ kind: 'refused', code: 'secret_invalid', fields });
    expect(lastError).toEqual({ ...first('secret_invalid'), fields });
  });

  it('is called for by a rejection that comes again minutes later', () => {
    const rejected: RunFailure = { kind: 'rejected', code: 'access_refused', status: 403 };
    const standing = (pause: number, change: Partial<Connection> = {}, code: ErrorCode = 'access_refused') =>
      failed(rejected, { lastError: { code, at: START, since: at(-pause), times: 7 }, ...change });
    expect(failed(rejected).status).toBe('failing');
    expect(standing(minutes(2) - 1).status).toBe('failing');
    expect(standing(minutes(2)).status).toBe('attention');
    // For every code of that kind.
    expect(standing(minutes(2), {}, 'request_rejected').status).toBe('attention');
    // Something else in between: it has not stood.
    expect(standing(minutes(2), {}, 'timeout').status).toBe('failing');
    // A token that is valid may be saved yet; otherwise it is probed.
    expect(standing(minutes(2)).dueAt).toBeLessThanOrEqual(at(minutes(5)));
    expect(standing(minutes(2), { expiresAt: START }).dueAt).toBe(at(minutes(2)));
    const paused = { ...rejected, retryAfter: hours(1) };
    const lastError = { code: 'access_refused', at: START, since: at(-hours(9)), times: 7 } as const;
    expect(failed(paused, { lastError, expiresAt: START }).dueAt).toBe(at(hours(1)));
    expect(standing(minutes(9), { expiresAt: START }).dueAt).toBe(at(minutes(9)));
    expect(standing(hours(9), { expiresAt: START }).dueAt).toBe(at(minutes(15)));
    const tenMinutes = { issuedAt: at(-minutes(10)), expiresAt: START };
    expect(standing(hours(9), tenMinutes).dueAt).toBe(at(minutes(5)));
    expect(standing(minutes(2))).toMatchObject({ session: note });
  });

  it('is called for by a lost answer that may have taken the only copy of access', () => {
    const doubtful = { session: { ...note, inDoubt: true } } as const;
    expect(failed(unknown, {}, doubtful)).toMatchObject({ status: 'attention', dueAt: at(minutes(20)), ...doubtful });
    expect(failed(unknown, { expiresAt: at(minutes(9)) }, doubtful).dueAt).toBeLessThanOrEqual(at(minutes(3)));
    const { issuedAt: _, expiresAt: __, ...never } = seen();
    expect(settleFailed(policy, provider, never, unknown, { calls: 1, ...doubtful }, START, 0.5)).toMatchObject({
      status: 'attention',
      dueAt: at(seconds(5)),
    });
  });

  it.each(noVerdicts)('by a rejection that comes again has the usual pause after a failure %s', (_, trouble) => {
    const lastError = { code: 'access_refused', times: 9, at: at(-hours(1)), since: at(-hours(9)) } as const;
    const standing = { status: 'attention', failures: 9, attentionSince: at(-hours(9)), lastError } as const;
    const settled = failed(trouble, { ...standing, expiresAt: START });
    expect(settled).toMatchObject({ status: 'attention', lastError });
    expect(settled.dueAt).toBeLessThanOrEqual(at(minutes(5)));
  });

  const attention: Partial<Connection> = {
    status: 'attention',
    failures: 2,
    attentionSince: at(-hours(3)),
    lastError: { code: 'invalid_client', times: 1, at: at(-hours(3)), since: at(-hours(3)) },
  };

  it.each(noVerdicts)('does not end with a failure %s, and its cause stays', (_, trouble) => {
    expect(failed(trouble, attention)).toMatchObject({ ...attention, failures: 3, dueAt: at(hours(4)) });
  });

  it.each(noVerdicts)('ends with new credentials and a failure %s: otherwise nothing would try them', (_, trouble) => {
    const settled = failed(trouble, attention, { tried: t2 });
    expect(settled).toMatchObject({ status: 'failing', usedVersion: v2, lastError: { code: trouble.code } });
    expect(settled.dueAt).toBeLessThanOrEqual(at(policy.backoff.cap));
    expect(settled).not.toHaveProperty('attentionSince');
  });

  it('stays with new credentials that are refused as well', () => {
    const settled = failed(refused, attention, { tried: t2 });
    expect(settled).toMatchObject({ status: 'attention', dueAt: at(hours(4)), usedVersion: v2 });
  });
});

const postponed = { until: at(7), code: 'budget_used' } as const;

it('a postponed run changes nothing but when it is due, and says why', () => {
  const before = seen({ status: 'failing', failures: 2, failingSince: START, lastError: first('timeout') });
  const { connection: _, version: __, discoveredVersion: ___, ...rest } = before;
  const expected = { ...rest, lastError: first('budget_used'), dueAt: at(7) };
  expect(settlePostponed(before, { calls: 1, session: note }, postponed, START)).toEqual(expected);
  expect(settlePostponed(before, { calls: 1 }, postponed, START)).not.toHaveProperty('session');
  const attention = seen({ status: 'attention', lastError: first('invalid_grant') });
  expect(settlePostponed(attention, { calls: 1 }, postponed, START).lastError?.code).toBe('invalid_grant');
});

it('a run that finds the same credentials changes only the noted version', () => {
  const before = seen({ status: 'attention', failures: 2, attentionSince: START, discoveredVersion: v2 });
  const { connection: _, version: __, discoveredVersion: ___, ...rest } = before;
  expect(settleUnchanged(before, { calls: 0, session: note, tried: { ...t1, version: v2 } })).toEqual({
    ...rest,
    usedVersion: v2,
    settledVersion: v2,
  });
});

it('no settlement has an undefined field: a store need not guess', () => {
  const bare = connectionOf(idOf('acme'));
  const settlements = [
    settleFailed(policy, provider, bare, retry, { calls: 0 }, START, 0.5),
    settleFailed(policy, provider, bare, refused, { calls: 0 }, START, 0.5),
    settlePostponed(bare, { calls: 0 }, postponed, START),
  ];
  for (const settlement of settlements) expect(Object.values(settlement)).not.toContain(undefined);
});
