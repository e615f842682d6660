import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connectionSchema } from '../../lib/aws/connection-item.ts';
import { storedSchema } from '../../lib/aws/session-table.ts';
import { tokenSchema } from '../../lib/aws/token-table.ts';
import { claimsOf } from '../../lib/core/jwt.ts';
import type { HttpReply } from '../../lib/core/provider.ts';
import { providers } from '../../lib/providers/index.ts';
import type { SweepDeps } from '../../lib/refresh/sweep.ts';
import { repliesOfAnyType } from '../kit/any-json.ts';
import { hostileReplies } from '../kit/hostile.ts';
import { connectionOf, idOf } from '../kit/records.ts';
import { expectStorable } from '../kit/storable.ts';
import { cases } from '../kit/thorough.ts';
import { answer } from '../kit/vendor.ts';
import { World } from '../kit/world.ts';
import { fixturesOf, sentAt } from '../providers/fixtures.ts';

const SEED = 20261126;
const RUNS = cases(150);

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = (claims: object) => `${encoded({ alg: 'none' })}.${encoded(claims)}.s`;
/** What once threw, or could not be stored. */
const known = [
  { org_id: { toString: 1 } },
  { access_token: jwt({ org_id: { toString: 1 }, exp: 1e300 }) },
  { access_token: jwt({ exp: 1e300 }) },
  { access_token: 'a'.repeat(210_000) },
  { refresh_token: 'r'.repeat(255 * 1024) },
  { refresh_expires_in: 9e15 },
  { expires_in: 9e15 },
];

/** Stores that refuse what the tables could not keep. */
const strict = (deps: SweepDeps): SweepDeps => {
  const { tokens, sessions, connections } = deps;
  return {
    ...deps,
    tokens: {
      ...tokens,
      publish: async token => {
        expectStorable(tokenSchema, token);
        return tokens.publish(token);
      },
    },
    sessions: {
      ...sessions,
      keep: async (connection, version, session) => {
        expectStorable(storedSchema, { version, ...(session && { session }) });
        return sessions.keep(connection, version, session);
      },
    },
    connections: {
      ...connections,
      settle: async (connection, version, settlement) => {
        expectStorable(connectionSchema, connectionOf(connection, { ...settlement, version }));
        return connections.settle(connection, version, settlement);
      },
    },
  };
};

describe.each(providers)('no answer of $id', provider => {
  const { id } = provider;
  const { token, secret, code = {} } = fixturesOf(id);
  const good = { ...token, ...code };

  it.each<[string, fc.Arbitrary<HttpReply>]>([
    ['is broken', hostileReplies(good)],
    ['has fields of any type', repliesOfAnyType(good, claimsOf(String(token.access_token)))],
  ])('that %s counts as a store’s failure, or stays claimed', async (_, replies) => {
    const several = fc.array(replies, { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(several, async given => {
        let turn = 0;
        const world = new World([provider], () => given[turn++ % given.length] ?? answer(''));
        world.clock.set(sentAt);
        const connection = await world.add(idOf('acme', id), secret);
        const deps = strict(world.worker());
        for (let tick = 0; tick < 3; tick += 1) {
          expect(await world.tick(id, deps)).toMatchObject({ claimsFailed: 0, commitsFailed: 0 });
          const { leaseUntil, dueAt, lastError } = await world.record(connection);
          expect([leaseUntil, lastError?.code === 'store_failed']).toEqual([undefined, false]);
          world.clock.set(Math.min(dueAt, world.clock.now() + 1e9));
        }
      }),
      { seed: SEED, numRuns: RUNS, examples: known.map(change => [[answer({ ...good, ...change })]]) },
    );
  });
});
