import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Granted } from '../../lib/core/interpret.ts';
import { minutes } from '../../lib/core/types.ts';
import type { DefinedProvider } from '../../lib/definition/provider.ts';
import { placeholdersIn } from '../../lib/definition/template.ts';
import { textsOf } from '../../lib/definition/texts.ts';
import { signAssertion } from '../../lib/http/sign.ts';
import { statusOf } from '../kit/dialect-world.ts';
import { allDefined, GenericClient, type GenericWorld, genericWorld, granted } from '../kit/generic-world.ts';

/** The fields of a made-up secret that its login sends. */
const sentIn = (provider: DefinedProvider): readonly string[] => {
  const { login, redeem, refresh, fields, assertion } = provider.definition;
  const { account } = genericWorld(provider);
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

/** Lets time pass until the provider renews the token. */
const untilRenewable = (world: GenericWorld, { expiresAt }: Granted): void => {
  const { renewWithin } = world.provider;
  if (renewWithin !== undefined) world.pass(expiresAt - world.now() - renewWithin);
};

describe.each(allDefined)('the generic simulator of $id', provider => {
  const start = (changes: Readonly<Record<string, string>> = {}, scale = 1) => {
    const world = genericWorld(provider, scale);
    return { world, client: new GenericClient(world, changes) };
  };

  it('grants a token that its API takes, until it ends', async () => {
    const { world, client } = start();
    const token = granted(await client.logIn());
    expect(token.warnings).toEqual([]);
    expect(Math.abs(token.expiresAt - world.now() - provider.lifetime)).toBeLessThan(1000);
    expect(client.use(token)).toBe(200);
    expect(client.use({ ...token, headers: {} })).toBe(401);
    world.pass(token.expiresAt - world.now());
    expect(client.use(token)).toBe(401);
  });

  it('renews: by the refresh token, or by another login', async () => {
    const { world, client } = start();
    const first = granted(await client.logIn());
    untilRenewable(world, first);
    expect(first.refreshToken !== undefined).toBe(client.account.refresh !== undefined);
    const second = granted(await (client.account.refresh ? client.refresh(first.refreshToken) : client.logIn()));
    expect(second.accessToken).not.toBe(first.accessToken);
    expect([client.use(first), client.use(second)]).toEqual([200, 200]);
  });

  it('refuses each field of a login that is wrong', async () => {
    const fields = sentIn(provider);
    expect(fields).not.toEqual([]);
    for (const field of fields) {
      const isKey = provider.definition.fields[field]?.privateKey === true;
      const { client } = start({ [field]: isKey ? anotherKey(provider) : 'made-up-and-wrong' });
      expect(await client.logIn(), field).toMatchObject({ kind: 'refused' });
    }
  });

  it('is shorter by the scale', async () => {
    const { world, client } = start({}, 60);
    const token = granted(await client.logIn());
    if (provider.expiresIn === 'never stated') return;
    expect(Math.abs(token.expiresAt - world.now() - provider.lifetime / 60)).toBeLessThan(1000);
  });
});

describe.each(allDefined.filter(each => each.definition.refresh))('$id at the generic simulator', provider => {
  it('rotates its refresh tokens, and ends the whole family if a spent one comes back', async () => {
    const world = genericWorld(provider);
    const client = new GenericClient(world);
    const first = granted(await client.logIn());
    untilRenewable(world, first);
    const second = granted(await client.refresh(first.refreshToken));
    expect(second.refreshToken).not.toBe(first.refreshToken);
    expect(await client.refresh(first.refreshToken)).toMatchObject({ kind: 'refused' });
    expect(await client.refresh(second.refreshToken)).toMatchObject({ kind: 'refused' });
    expect([client.use(first), client.use(second)]).toEqual([401, 401]);
  });

  it('ends sessions when it says', async () => {
    const world = genericWorld(provider);
    const client = new GenericClient(world);
    const { refreshToken, sessionEndsAt } = granted(await client.logIn());
    if (sessionEndsAt === undefined) return;
    world.pass(sessionEndsAt - world.now() + 1);
    expect(await client.refresh(refreshToken)).toMatchObject({ kind: 'refused' });
  });
});

const late = allDefined.filter(each => each.renewWithin !== undefined);
it('there are definitions of providers that renew late', () => expect(late.length).toBeGreaterThan(0));

describe.each(late)('$id at the generic simulator', provider => {
  it('refuses to renew before the end of a token is near, and spends nothing', async () => {
    const world = genericWorld(provider);
    const client = new GenericClient(world);
    const first = granted(await client.logIn());
    untilRenewable(world, first);
    world.pass(-1);
    expect(await client.refresh(first.refreshToken)).toMatchObject({ kind: 'retry' });
    world.pass(1);
    expect(granted(await client.refresh(first.refreshToken)).refreshToken).not.toBe(first.refreshToken);
  });
});

describe.each(allDefined.filter(each => each.rateLimit))('$id at the generic simulator', provider => {
  it('limits the rate, refused calls too, and says when to come again', async () => {
    const world = genericWorld(provider);
    const client = new GenericClient(world);
    const { calls, per } = provider.rateLimit ?? { calls: 0, per: 0 };
    for (let n = 0; n < calls; n += 1) await client.logIn();
    const over = await client.logIn();
    expect(over).toMatchObject({ kind: 'retry', code: 'rate_limited', retryAfter: Math.max(1000, per) });
    world.pass(per);
    expect(await client.logIn()).toMatchObject({ kind: 'granted' });
  });
});

describe('a signed assertion', () => {
  const signing = allDefined.filter(({ definition }) => definition.assertion);
  const start = (provider: DefinedProvider) => {
    const world = genericWorld(provider);
    return { world, client: new GenericClient(world) };
  };

  it.each(signing)('of $id is refused when it has expired, and before its time', async provider => {
    const { world, client } = start(provider);
    const request = client.account.logIn(await client.sign());
    world.pass(-minutes(1));
    expect(statusOf(world.send(request))).toBeGreaterThanOrEqual(400);
    world.pass(minutes(1));
    expect(statusOf(world.send(request))).toBe(200);
    world.pass(provider.definition.assertion?.lifetime ?? 0);
    expect(statusOf(world.send(request))).toBeGreaterThanOrEqual(400);
  });

  it.each(signing)('of $id is refused with another header or other claims', async provider => {
    const { world, client } = start(provider);
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
  const world = genericWorld(provider);
  const client = new GenericClient(world);
  const token = granted(await client.logIn());
  for (const each of ['made-up', token.refreshToken ?? '']) {
    const request = provider.revoke?.('http://127.0.0.1:8080/revoking', each);
    expect(client.use(token)).toBe(200);
    expect(request && statusOf(world.send(request))).toBe(200);
  }
  expect(client.use(token)).toBe(401);
  expect(await client.refresh(token.refreshToken)).toMatchObject({ kind: 'refused' });
});

it('continues from a saved state, and does the same in the same world', async () => {
  for (const provider of allDefined) {
    const [one, two] = [genericWorld(provider), genericWorld(provider)];
    const saved = async (world: typeof one) => {
      const token = granted(await new GenericClient(world).logIn());
      return { token, state: JSON.parse(JSON.stringify(world.simulators.state.get())) };
    };
    const { token, state } = await saved(one);
    expect((await saved(two)).state).toEqual(state);
    const later = genericWorld(provider);
    later.simulators.state.restore(state);
    expect(new GenericClient(later).use(token)).toBe(200);
  }
});

it('takes no other method and no request that the definition does not make', async () => {
  for (const provider of allDefined) {
    const { world, client } = { world: genericWorld(provider), client: new GenericClient(genericWorld(provider)) };
    const right = client.account.logIn(await client.sign());
    expect(statusOf(world.send({ ...right, method: right.method === 'GET' ? 'POST' : 'GET' }))).toBe(405);
    expect(
      statusOf(world.send({ method: 'GET', url: `${new URL(right.url).origin}/${provider.id}/x`, headers: {} })),
    ).toBe(401);
  }
});
