import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Granted } from '../../lib/core/interpret.ts';
import { minutes } from '../../lib/core/types.ts';
import type { DefinedProvider } from '../../lib/definition/provider.ts';
import { placeholdersIn } from '../../lib/definition/template.ts';
import { textsOf } from '../../lib/definition/texts.ts';
import { signAssertion } from '../../lib/http/sign.ts';
import { allDefined } from '../kit/all-defined.ts';
import { type Client, granted, type Simulated, startGeneric, statusOf } from '../kit/client.ts';

/** The fields of a made-up secret that its login sends. */
const sentIn = (provider: DefinedProvider): readonly string[] => {
  const { login, redeem, refresh, fields, assertion } = provider.definition;
  const { account } = startGeneric(provider);
  const isHandedIn = redeem !== undefined && redeem.field in account.fields;
  const request = isHandedIn ? (redeem.request ?? refresh) : login[0];
  const names = new Set(textsOf(request).flatMap(placeholdersIn));
  if (names.has('assertion') && assertion) names.add(assertion.key);
  if (isHandedIn) names.add(redeem.field);
  return Object.keys(account.fields).filter(name => names.has(name) && !fields[name]?.oneOf);
};

/** A valid key that no account has. */
const anotherKey = ({ definition: { assertion } }: DefinedProvider): string => {
  const { algorithm = '' } = assertion ?? {};
  const curves: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };
  const { [algorithm]: namedCurve } = curves;
  const { privateKey } =
    algorithm === 'EdDSA'
      ? generateKeyPairSync('ed25519')
      : namedCurve
        ? generateKeyPairSync('ec', { namedCurve })
        : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
};

const logIn = async (client: Client) => client.logIn(await client.sign());
const refresh = async (client: Client, { refreshToken = '' }: { readonly refreshToken?: string | undefined }) =>
  client.refresh(refreshToken, await client.sign());

/** Lets time pass until the provider renews the token. */
const untilRenewable = (world: Simulated, { expiresAt }: Granted, { renewWithin }: DefinedProvider): void => {
  if (renewWithin !== undefined) world.pass(expiresAt - world.now() - renewWithin);
};

describe.each(allDefined)('the generic simulator of $id', provider => {
  it('grants a token that its API takes, until it ends', async () => {
    const { world, client } = startGeneric(provider);
    const token = granted(await logIn(client));
    expect(token.warnings).toEqual([]);
    expect(Math.abs(token.expiresAt - world.now() - provider.lifetime)).toBeLessThan(1000);
    expect(client.use(token)).toBe(200);
    expect(client.use({ ...token, headers: {} })).toBe(401);
    world.pass(token.expiresAt - world.now());
    expect(client.use(token)).toBe(401);
  });

  it('renews: by the refresh token, or by another login', async () => {
    const { world, client } = startGeneric(provider);
    const first = granted(await logIn(client));
    untilRenewable(world, first, provider);
    expect(first.refreshToken !== undefined).toBe(client.account.refresh !== undefined);
    const second = granted(await (client.account.refresh ? refresh(client, first) : logIn(client)));
    expect(second.accessToken).not.toBe(first.accessToken);
    expect([client.use(first), client.use(second)]).toEqual([200, 200]);
  });

  it('refuses each field of a login that is wrong', async () => {
    const fields = sentIn(provider);
    expect(fields).not.toEqual([]);
    for (const field of fields) {
      const isKey = provider.definition.fields[field]?.privateKey === true;
      const { client } = startGeneric(provider, { [field]: isKey ? anotherKey(provider) : 'made-up-and-wrong' });
      expect(await logIn(client), field).toMatchObject({ kind: 'refused' });
    }
  });

  it.runIf(provider.expiresIn !== 'never stated')('is shorter by the scale', async () => {
    const { world, client } = startGeneric(provider, {}, 60);
    const token = granted(await logIn(client));
    expect(Math.abs(token.expiresAt - world.now() - provider.lifetime / 60)).toBeLessThan(1000);
  });
});

describe.each(allDefined.filter(each => each.definition.refresh))('$id at the generic simulator', provider => {
  it('rotates its refresh tokens, and ends the whole family if a spent one comes back', async () => {
    const { world, client } = startGeneric(provider);
    const first = granted(await logIn(client));
    untilRenewable(world, first, provider);
    const second = granted(await refresh(client, first));
    expect(second.refreshToken).not.toBe(first.refreshToken);
    expect(await refresh(client, first)).toMatchObject({ kind: 'refused' });
    expect(await refresh(client, second)).toMatchObject({ kind: 'refused' });
    expect([client.use(first), client.use(second)]).toEqual([401, 401]);
  });

  it('ends sessions when it says', async () => {
    const { world, client } = startGeneric(provider);
    const { refreshToken, sessionEndsAt } = granted(await logIn(client));
    if (sessionEndsAt === undefined) return;
    world.pass(sessionEndsAt - world.now() + 1);
    expect(await refresh(client, { refreshToken })).toMatchObject({ kind: 'refused' });
  });
});

const late = allDefined.filter(each => each.renewWithin !== undefined);
it('there are definitions of providers that renew late', () => expect(late.length).toBeGreaterThan(0));

describe.each(late)('$id at the generic simulator', provider => {
  it('refuses to renew before the end of a token is near, and spends nothing', async () => {
    const { world, client } = startGeneric(provider);
    const first = granted(await logIn(client));
    untilRenewable(world, first, provider);
    world.pass(-1);
    expect(await refresh(client, first)).toMatchObject({ kind: 'retry' });
    world.pass(1);
    expect(granted(await refresh(client, first)).refreshToken).not.toBe(first.refreshToken);
  });
});

describe.each(allDefined.filter(each => each.rateLimit))('$id at the generic simulator', provider => {
  it('limits the rate, refused calls too, and says when to come again', async () => {
    const { world, client } = startGeneric(provider);
    const { calls, per } = provider.rateLimit ?? { calls: 0, per: 0 };
    for (let n = 0; n < calls; n += 1) await logIn(client);
    const over = await logIn(client);
    expect(over).toMatchObject({ kind: 'retry', code: 'rate_limited', retryAfter: Math.max(1000, per) });
    world.pass(per);
    expect(await logIn(client)).toMatchObject({ kind: 'granted' });
  });
});

describe('a signed assertion', () => {
  const signing = allDefined.filter(({ definition }) => definition.assertion);

  it.each(signing)('of $id is refused when it has expired, and before its time', async provider => {
    const { world, client } = startGeneric(provider);
    const request = client.account.logIn(await client.sign());
    world.pass(-minutes(1));
    expect(statusOf(world.send(request))).toBeGreaterThanOrEqual(400);
    world.pass(minutes(1));
    expect(statusOf(world.send(request))).toBe(200);
    world.pass(provider.definition.assertion?.lifetime ?? 0);
    expect(statusOf(world.send(request))).toBeGreaterThanOrEqual(400);
  });

  it.each(signing)('of $id is refused with another header or other claims', async provider => {
    const { world, client } = startGeneric(provider);
    const { assertion } = client.account;
    if (!assertion) throw new Error('nothing to sign');
    const claims = { ...assertion.claims, [Object.keys(assertion.claims)[0] ?? '']: 'made-up' };
    for (const signed of [
      await signAssertion({ ...assertion, claims }, world.now()),
      (await client.sign())?.replace(/^[^.]+/, Buffer.from('{"alg":"none"}').toString('base64url')),
      'no.j.wt',
      '',
    ]) {
      expect(statusOf(world.send(client.account.logIn(signed)))).toBeGreaterThanOrEqual(400);
    }
  });
});

it('ends a session that is revoked, and ignores unknown tokens', async () => {
  const provider = allDefined.find(({ id }) => id === 'revoking');
  if (!provider) throw new Error('there is no such definition');
  const { world, client } = startGeneric(provider);
  const token = granted(await logIn(client));
  for (const each of ['made-up', token.refreshToken ?? '']) {
    const request = provider.revoke?.('http://127.0.0.1:8080/revoking', each);
    expect(client.use(token)).toBe(200);
    expect(request && statusOf(world.send(request))).toBe(200);
  }
  expect(client.use(token)).toBe(401);
  expect(await refresh(client, token)).toMatchObject({ kind: 'refused' });
});

it('continues from a saved state, and does the same in the same world', async () => {
  for (const provider of allDefined) {
    const saved = async ({ world, client }: ReturnType<typeof startGeneric>) => {
      const token = granted(await logIn(client));
      return { token, state: JSON.parse(JSON.stringify(world.simulators.state.get())) };
    };
    const { token, state } = await saved(startGeneric(provider));
    expect((await saved(startGeneric(provider))).state).toEqual(state);
    const later = startGeneric(provider);
    later.world.simulators.state.restore(state);
    expect(later.client.use(token)).toBe(200);
  }
});

it('takes no other method and no request that the definition does not make', async () => {
  for (const provider of allDefined) {
    const { world, client } = startGeneric(provider);
    const right = client.account.logIn(await client.sign());
    expect(statusOf(world.send({ ...right, method: right.method === 'GET' ? 'POST' : 'GET' }))).toBe(405);
    const other = { method: 'GET', url: `${new URL(right.url).origin}/${provider.id}/x`, headers: {} } as const;
    expect(statusOf(world.send(other))).toBe(401);
  }
});
