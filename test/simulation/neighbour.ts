import type { HttpReply, HttpRequest } from '../../lib/core/provider.ts';
import { type EpochMs, minutes, seconds } from '../../lib/core/types.ts';
import { simulatedAccount } from '../../local/simulators/accounts.ts';
import type { SecretAdmin } from '../kit/memory.ts';
import { type SimulatedCloud, tokenPathOf } from './cloud.ts';
import { type Customer, passwordField } from './customers.ts';
import type { Faults } from './faults.ts';
import type { ProviderLedger } from './ledger.ts';
import type { Loop } from './loop.ts';
import type { Random } from './random.ts';
import type { SeedScenario } from './scenario.ts';

/** The neighbour's own host. */
export const HOSTILE_URL = 'http://127.0.0.2:9090';

interface Parts {
  readonly loop: Loop;
  readonly random: Random;
  readonly faults: Faults;
  readonly scenario: SeedScenario;
  readonly customers: readonly Customer[];
  readonly secrets: SecretAdmin;
  readonly ledger: ProviderLedger;
  /** The address of the honest providers. */
  readonly url: string;
}

type Mood =
  | 'hangs'
  | 'is down'
  | 'refuses'
  | 'is busy'
  | 'talks nonsense'
  | 'issues for seconds'
  | 'issues large tokens';
const moods: readonly [Mood, ...Mood[]] = [
  'hangs',
  'is down',
  'refuses',
  'is busy',
  'talks nonsense',
  'issues for seconds',
  'issues large tokens',
];
const NONSENSE = [null, true, -1, 1e300, '', [], {}, { toString: 1 }, 'made-up-nonsense'] as const;

/** An attacker who may write a few secrets, run a host, and call the API for their own connections. */
export class Neighbour {
  readonly #parts: Parts;
  #mood: Mood = 'hangs';
  #forcing: string[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The accounts that the attacker really has. */
  static accounts(scenario: SeedScenario) {
    return scenario.neighbour ? scenario.providers.map(({ id }) => simulatedAccount(id, 'mallory')) : [];
  }

  begin(cloud: SimulatedCloud): void {
    const { loop, random, scenario } = this.#parts;
    if (!scenario.neighbour) return;
    const next = () => {
      if (loop.now >= scenario.calmFrom) return void this.#leave();
      this.#mood = random.pick(moods);
      void this.#act(random.pick(scenario.providers as never as [SeedScenario['providers'][number]]).id, cloud);
      loop.after(random.between(minutes(2), minutes(12)), next);
    };
    loop.after(random.between(0, minutes(5)), next);
  }

  async #act(provider: string, cloud: SimulatedCloud): Promise<void> {
    const { random, secrets, faults, url } = this.#parts;
    const act = random.pick(['packs', 'packs', 'joins', 'moves', 'recreates', 'deletes', 'forces', 'forces'] as const);
    faults.count(`neighbour ${act}`);
    const name = `token-refresher/${provider}/mallory`;
    const { username, password, ...rest } = simulatedAccount(provider, 'mallory').fields;
    const login = { ...(username !== undefined && { username }), ...(password !== undefined && { password }) };
    // After a refused code, a run falls back on the stored session.
    const code = provider === 'ioffice' ? { authorizationCode: `made-up-code-${random.whole(0, 1e9)}` } : login;
    const at = (base: string) =>
      JSON.stringify({ ...rest, ...(base === url ? login : code), baseUrl: `${base}/${provider}` });
    switch (act) {
      case 'packs':
        return secrets.put(`${name}-pack`, this.#packed(provider));
      case 'joins':
        return secrets.put(name, at(url));
      case 'moves':
        return secrets.put(name, at(HOSTILE_URL));
      case 'recreates':
        await secrets.erase(name);
        return secrets.put(name, at(HOSTILE_URL));
      case 'deletes':
        return secrets.erase(random.chance(0.5) ? name : `${name}-pack`);
      case 'forces':
        this.#forcing = [`${provider}/mallory`, `${provider}/mallory-pack/k0`, `${provider}/mallory-pack/k1`];
        return this.#force(cloud, this.#parts.loop.now + seconds(random.between(30, 180)));
    }
  }

  /** Many connections: some at the attacker's host, some with wrong credentials at the provider. */
  #packed(provider: string): string {
    const { random, url } = this.#parts;
    const fields = simulatedAccount(provider, 'mallory').fields;
    const one = () => {
      const base = random.chance(0.6) ? HOSTILE_URL : url;
      const wrong = base === url ? { [passwordField[provider] ?? '']: 'made-up-wrong-password' } : {};
      return { ...fields, ...wrong, baseUrl: `${base}/${provider}` };
    };
    const keys = Array.from({ length: random.whole(20, 60) }, (_, n) => `k${n}`);
    return JSON.stringify({ connections: Object.fromEntries(keys.map(key => [key, one()])) });
  }

  /** Every second, each time with the current token. */
  async #force(cloud: SimulatedCloud, until: number): Promise<void> {
    const { loop } = this.#parts;
    while (loop.now < until) {
      for (const connection of this.#forcing) void this.#forceOnce(cloud, connection);
      await loop.sleep(seconds(1));
    }
  }

  async #forceOnce(cloud: SimulatedCloud, connection: string): Promise<void> {
    const path = tokenPathOf(connection as Parameters<typeof tokenPathOf>[0]);
    const { status, body } = await cloud.request('GET', path, {});
    const issuedAt = status === 200 ? (JSON.parse(body) as { issuedAt: string }).issuedAt : new Date(0).toISOString();
    await cloud.request('POST', path, {}, { issuedAt });
  }

  async #leave(): Promise<void> {
    const { scenario, secrets } = this.#parts;
    for (const { id } of scenario.providers) {
      for (const name of ['mallory', 'mallory-pack']) await secrets.erase(`token-refresher/${id}/${name}`);
    }
  }

  /** The answer of the attacker's host; undefined if it hangs. It must receive only the attacker's own credentials. */
  answer(request: HttpRequest, now: EpochMs): HttpReply | undefined {
    const { random, customers, ledger } = this.#parts;
    const text = JSON.stringify(request);
    if (customers.some(({ password }) => text.includes(password) || text.includes(encodeURIComponent(password)))) {
      ledger.violated('a credential of a customer went to the neighbour’s host');
    }
    const reply = (status: number, body: unknown, headers = {}): HttpReply => ({
      kind: 'answer',
      status,
      headers,
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    const token = {
      access_token: `made-up-hostile-${now}-${random.whole(0, 1e9)}`,
      refresh_token: `made-up-hostile-r-${now}`,
    };
    const nonsense = () => random.pick(NONSENSE as never as [unknown, ...unknown[]]);
    switch (this.#mood) {
      case 'hangs':
        return undefined;
      case 'is down':
        return reply(503, 'no');
      case 'refuses':
        return reply(400, { error: 'invalid_grant' });
      case 'is busy':
        return reply(429, 'no', { 'retry-after': '999999999' });
      case 'talks nonsense':
        return reply(200, { ...token, code: nonsense(), expires_in: nonsense(), svc: nonsense(), org_id: nonsense() });
      case 'issues for seconds':
        return reply(200, { ...token, code: 'made-up-code', expires_in: 15, svc: `${HOSTILE_URL}/x` });
      case 'issues large tokens':
        return reply(200, { ...token, access_token: 'made-up-'.repeat(3000), expires_in: 600 });
    }
  }
}
