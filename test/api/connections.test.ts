import { describe, expect, it } from 'vitest';
import { epochMs, secretVersion, version } from '../../lib/core/types.ts';
import { apiWorld, LIFE, planted, refused } from '../kit/api-world.ts';
import { connectionOf, idOf, START } from '../kit/records.ts';

const setUp = async () => {
  const world = apiWorld();
  const { clock } = world;
  const list = async () => {
    const answer = await world.call('GET', '/connections');
    return { ...answer, connections: answer.json.connections as Record<string, unknown>[] };
  };
  return { ...world, clock, list };
};

describe('the list of connections', () => {
  it('is empty if there are none', async () => {
    const { list } = await setUp();
    const answer = await list();
    expect(answer).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' }, connections: [] });
    expect(answer.json).toEqual({ connections: [], cursor: null });
  });

  it('shows one without a first refresh', async () => {
    const { list, add } = await setUp();
    await add('acme');
    expect((await list()).connections).toEqual([
      {
        connection: 'poweroffice-v2/acme',
        status: 'new',
        issuedAt: null,
        expiresAt: null,
        dueAt: new Date(START).toISOString(),
        failures: 0,
        failingSince: null,
        lastError: null,
        credentialsExpireAt: null,
        sessionEndsAt: null,
        tags: {},
      },
    ]);
  });

  it('shows a healthy one, and calls it expired once its token has expired', async () => {
    const { list, add, tick, clock } = await setUp();
    await add('acme');
    await tick();
    const [healthy] = (await list()).connections;
    expect(healthy).toMatchObject({
      status: 'healthy',
      issuedAt: new Date(START).toISOString(),
      expiresAt: new Date(START + LIFE).toISOString(),
      failures: 0,
      lastError: null,
    });
    expect(Date.parse(String(healthy?.dueAt))).toBeLessThan(START + LIFE);
    clock.pass(LIFE);
    expect((await list()).connections).toMatchObject([{ status: 'expired' }]);
  });

  it('shows what is wrong in codes', async () => {
    const { list, add, tick, answers } = await setUp();
    await add('acme');
    answers(() => refused(503, ''));
    await tick();
    const moment = new Date(START).toISOString();
    expect((await list()).connections).toMatchObject([
      {
        status: 'failing',
        failures: 1,
        failingSince: moment,
        lastError: { code: 'provider_error', status: 503, at: moment },
      },
    ]);
  });

  it('names the fields of a secret that are wrong, and never their values', async () => {
    const { list, add, tick } = await setUp();
    await add('acme', { clientKey: '', subscriptionKey: `${planted.subscriptionKey}\n` });
    await tick();
    const answer = await list();
    expect(answer.connections).toMatchObject([
      {
        status: 'attention',
        lastError: { code: 'secret_invalid', fields: expect.arrayContaining(['clientKey', 'subscriptionKey']) },
      },
    ]);
    expect(answer.body).not.toContain(planted.subscriptionKey);
  });

  it('holds every provider that is deployed, sorted by name, without those that are retired', async () => {
    const { list, add, connections, secrets, discover } = await setUp();
    for (const name of ['zebra', 'acme', 'm.1']) await add(name);
    for (const provider of ['petrosoft', 'officernd']) await connections.add(connectionOf(idOf('shop', provider)));
    await secrets.delete('token-refresher/poweroffice-v2/zebra');
    await discover();
    expect((await list()).connections.map(each => each.connection)).toEqual([
      'petrosoft/shop',
      'poweroffice-v2/acme',
      'poweroffice-v2/m.1',
    ]);
  });

  it('never holds a token, a refresh token, a credential or the name of a secret', async () => {
    const { list, add, tick, connections } = await setUp();
    const id = await add('acme');
    await tick();
    await connections.add(
      connectionOf(idOf('shop', 'petrosoft'), {
        status: 'healthy',
        version: version(3),
        issuedAt: START,
        expiresAt: epochMs(START + LIFE),
        session: { version: version(3), endsAt: epochMs(START + LIFE) },
        discoveredVersion: secretVersion('planted-secret-version'),
        redeemedCode: 'planted-fingerprint',
        lastError: { code: 'timeout', times: 1, at: START, since: START },
      }),
    );
    const answer = await list();
    expect(answer.connections).toHaveLength(2);
    expect(answer.connections.map(each => each.connection)).toContain(id);
    for (const secret of ['token-1', 'planted-', 'token-refresher/', ...Object.values(planted)]) {
      expect(answer.body).not.toContain(secret);
    }
    for (const line of answer.connections) {
      expect(Object.keys(line).sort()).toEqual(
        [
          'connection',
          'credentialsExpireAt',
          'dueAt',
          'expiresAt',
          'failingSince',
          'failures',
          'issuedAt',
          'lastError',
          'sessionEndsAt',
          'status',
          'tags',
        ].sort(),
      );
    }
  });
});
