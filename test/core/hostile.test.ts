import { validateHeaderName, validateHeaderValue } from 'node:http';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tokenSchema } from '../../lib/aws/token-table.ts';
import { isErrorCode } from '../../lib/core/errors.ts';
import { interpret, interpretFirstStep } from '../../lib/core/interpret.ts';
import { tokenOf } from '../../lib/core/settle.ts';
import { type EpochMs, version } from '../../lib/core/types.ts';
import { providers } from '../../lib/providers/index.ts';
import { hostileReplies } from '../kit/hostile.ts';
import { idOf } from '../kit/records.ts';
import { expectStorable } from '../kit/storable.ts';
import { cases } from '../kit/thorough.ts';
import { answer } from '../kit/vendor.ts';
import { World } from '../kit/world.ts';
import { exchangeWith, fixturesOf, sentAt } from '../providers/fixtures.ts';

const SEED = 20260101;
/** Times six providers, and each answer is read in every way that there is. */
const ANSWERS = cases(2000);
const RUNS = cases(300);

interface Usable {
  readonly accessToken: string;
  readonly issuedAt: EpochMs;
  readonly expiresAt: EpochMs;
  readonly headers: Readonly<Record<string, string>>;
  readonly baseUrl: string;
}

/** What every consumer must be able to do with a token. */
const expectUsable = ({ accessToken, issuedAt, expiresAt, headers, baseUrl }: Usable, now: EpochMs): void => {
  expect(accessToken).not.toBe('');
  expect(issuedAt).toBeLessThanOrEqual(now);
  expect(Number.isSafeInteger(expiresAt)).toBe(true);
  expect(expiresAt).toBeGreaterThan(issuedAt);
  for (const [name, value] of Object.entries(headers)) {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  }
  expect(Object.values(headers).some(value => value.endsWith(accessToken))).toBe(true);
  const url = new URL(baseUrl);
  expect(['https:', 'http:']).toContain(url.protocol);
  expect([url.username, url.password, url.search, url.hash].join('')).toBe('');
  if (url.protocol === 'http:') expect(url.hostname).toMatch(/^(127\.|localhost$|\[::1\]$)/);
};

const plainCode = /^[a-z_]+$/;

describe.each(providers)('whatever $id answers', provider => {
  const { id } = provider;
  const { token, secret, requests, code = {} } = fixturesOf(id);

  it('ends in a value: a token that can be used, or a code and nothing else', () => {
    let granted = 0;
    fc.assert(
      fc.property(hostileReplies(token), fc.constantFrom('login', 'refresh'), (reply, grant) => {
        const outcome = interpret(exchangeWith(id, grant), reply);
        if (outcome.kind === 'granted') {
          granted += 1;
          expectUsable(outcome, sentAt);
          if (outcome.refreshToken !== undefined) expect(outcome.refreshToken).not.toBe('');
          expectStorable(tokenSchema, tokenOf(idOf('acme', id), outcome, version(1)));
          for (const warning of outcome.warnings) expect(warning).toMatch(plainCode);
        } else {
          expect(isErrorCode(outcome.code)).toBe(true);
          const allowed = ['kind', 'code', 'status', 'retryAfter'];
          expect(allowed).toEqual(expect.arrayContaining(Object.keys(outcome)));
          const { retryAfter = 1 } = outcome.kind === 'retry' ? outcome : {};
          expect(Number.isFinite(retryAfter) && retryAfter > 0).toBe(true);
        }
      }),
      { seed: SEED, numRuns: ANSWERS },
    );
    // Otherwise the property above says nothing about tokens.
    expect(granted).toBeGreaterThan(ANSWERS / 50);
  });

  it('to the first of two steps ends in a request that can be sent, or a code', () => {
    const exchange = exchangeWith(id);
    if (!exchange.account.exchange) return;
    fc.assert(
      fc.property(hostileReplies(code), reply => {
        const step = interpretFirstStep(exchange, reply);
        if (step.kind !== 'next') {
          expect(isErrorCode(step.code)).toBe(true);
          return;
        }
        for (const [name, value] of Object.entries(step.request.headers)) validateHeaderValue(name, value);
        expect(step.request.url).toBe(requests.exchange?.url);
      }),
      { seed: SEED, numRuns: ANSWERS },
    );
  });

  it('replaces a good token only by one that was really granted, and always leaves a record that can be refreshed again', async () => {
    let refreshed = 0;
    const several = fc.array(hostileReplies({ ...token, ...code }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(several, fc.boolean(), async (replies, newSecret) => {
        const connection = idOf('acme', id);
        const world = new World([provider], () => answer({ ...token, ...code }));
        world.clock.set(sentAt);
        await world.add(connection, secret);
        await world.refresh(connection);
        const before = await world.token(connection);
        world.clock.pass((before.expiresAt - before.issuedAt) / 2);
        if (newSecret) await world.add(connection, secret);

        let turn = 0;
        world.vendor = () => replies[turn++ % replies.length] ?? answer('');
        const report = await world.refresh(connection);
        const held = await world.token(connection);
        if (report.result === 'refreshed') {
          refreshed += 1;
          expectUsable(held, world.clock.now());
          expect(held.version).toBeGreaterThan(before.version);
        } else expect(held).toEqual(before);

        const record = await world.record(connection);
        expect(record.leaseUntil).toBeUndefined();
        expect(Number.isSafeInteger(record.dueAt)).toBe(true);
        expect(report.calls).toBeLessThanOrEqual(3);
      }),
      { seed: SEED, numRuns: RUNS },
    );
    expect(refreshed).toBeGreaterThan(0);
  });
});
