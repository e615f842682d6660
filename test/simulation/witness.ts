import { GRACE } from '../../lib/core/retirement.ts';
import {
  type Connection,
  type ConnectionId,
  type EpochMs,
  hours,
  type Milliseconds,
  minutes,
  plus,
  type Token,
} from '../../lib/core/types.ts';
import type { Transition } from '../../lib/events.ts';
import { rotatingProviders } from '../../local/simulators/index.ts';
import type { MemoryTables, Stores } from '../support/memory.ts';
import type { Alarms } from './alarms.ts';
import type { Customer } from './customers.ts';
import type { Trouble } from './faults.ts';
import type { Ledger } from './ledger.ts';
import type { Loop } from './loop.ts';
import type { Mailbox } from './mailbox.ts';
import { START } from './network.ts';
import { isUndisturbed, lifeOf, RECOVERY, type Scenario } from './scenario.ts';

interface Parts {
  readonly loop: Loop;
  readonly scenario: Scenario;
  readonly ledger: Ledger;
  /** Whether anything was wrong at some moment between the two. */
  readonly troubled: (from: EpochMs, to: EpochMs) => boolean;
  /** Whether a firewall may have rejected something between the two. */
  readonly rejected: (from: EpochMs, to: EpochMs) => boolean;
  readonly alarms: Alarms;
  readonly mailbox: Mailbox;
  readonly customers: readonly Customer[];
  readonly stores: Stores;
  readonly say: (line: string) => void;
  /** Whether a provider would still take a refresh token. */
  readonly holds: (provider: string, refreshToken: string) => boolean;
  /** A connection has come to need a person. */
  readonly told: (connection: ConnectionId) => void;
  /** Whether a restored table took the session of a connection. */
  readonly took: (connection: ConnectionId) => boolean;
  /** Whether so many different logins of a user were wrong that a corrected one waits for an operator. */
  readonly isUsedUp: (provider: string) => boolean;
}

/** So long a run takes between its last look at a secret and what it makes of that, if it is not frozen. */
const LAG = minutes(1.5);

/** So long after the grace period a token is gone: a tick, and a moment to notice that it is time. */
const GONE_WITHIN = minutes(7);

/** What an answer without a verdict is noted as. */
export const rejections: ReadonlySet<string | undefined> = new Set([
  'access_refused',
  'request_rejected',
  'invalid_request',
]);

/** A login of iOFFICE takes two calls. */
const stepsOf = (provider: string): number => (provider === 'ioffice' ? 2 : 1);

/** Troubles that the watch has, too: it dies, freezes, is not run, or its tables refuse. */
const strikesTheWatch: ReadonlySet<Trouble['kind']> = new Set([
  'crashes',
  'freezes',
  'store throttled',
  'store answers lost',
  'mixed',
  'missed ticks',
  'late ticks',
]);

/** Sees what is published and settled, and holds it against what was promised. */
export class Witness {
  readonly #parts: Parts;
  readonly #customers: ReadonlyMap<ConnectionId, Customer>;
  /** The stores, with somebody looking on. */
  readonly stores: Stores;
  readonly #tokens = new Map<ConnectionId, Token>();
  /** The connections that are retired, and the tokens that they have for the grace period. */
  readonly #retiredOnes = new Map<ConnectionId, Token | undefined>();
  readonly #causes = new Map<ConnectionId, string>();
  readonly #attentionAt = new Map<ConnectionId, EpochMs>();
  readonly #attentionTo = new Map<ConnectionId, EpochMs>();
  grants = 0;
  #recoveredAt: EpochMs | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#customers = new Map(parts.customers.map(each => [each.connection, each]));
    const { stores } = parts;
    this.stores = {
      ...stores,
      tokens: this.#watchTokens(stores.tokens),
      connections: this.#watchRecords(stores.connections),
    };
  }

  published(connection: ConnectionId): Token | undefined {
    return this.#tokens.get(connection);
  }

  /** A table was restored: its content counts now, and a reported trouble may be reported again. */
  restored({ tokens, records }: MemoryTables): void {
    this.#causes.clear();
    for (const { connection, state } of this.#parts.customers) {
      const [token, record] = [tokens.get(connection), records.get(connection)];
      this.#retiredOnes.delete(connection);
      this.#tokens.delete(connection);
      // Nobody has to be served the token of a connection that has ended.
      const hasEnded = !record && state === 'deleted';
      if (record?.retiredAt !== undefined) this.#retiredOnes.set(connection, token);
      else if (token && !hasEnded) this.#tokens.set(connection, token);
    }
  }

  #watchTokens(tokens: Stores['tokens']): Stores['tokens'] {
    const { loop, ledger } = this.#parts;
    return {
      ...tokens,
      publish: async token => {
        const before = this.#tokens.get(token.connection);
        const published = await tokens.publish(token);
        if (published && before?.accessToken !== token.accessToken) {
          if (this.#customers.has(token.connection)) ledger.published(token, before);
          this.grants += 1;
          const { connection } = token;
          if (this.#retiredOnes.has(connection)) this.#retiredOnes.set(connection, token);
          else this.#tokens.set(connection, token);
          loop.at(token.expiresAt, () => this.#expired(token));
        }
        return published;
      },
      withdraw: async (connection, upTo) => {
        await tokens.withdraw(connection, upTo);
        if ((this.#tokens.get(connection)?.version ?? Number.POSITIVE_INFINITY) <= upTo)
          this.#tokens.delete(connection);
      },
    };
  }

  #watchRecords(connections: Stores['connections']): Stores['connections'] {
    const { loop, scenario, say } = this.#parts;
    return {
      ...connections,
      settle: async (connection, mine, settlement) => {
        const before = await connections.get(connection);
        const settled = await connections.settle(connection, mine, settlement);
        if (!settled) return false;
        say(JSON.stringify(settlement.lastError ?? {}));
        const sameVerdict = before?.status === 'attention' && before.usedVersion === settlement.usedVersion;
        if (settlement.status === 'attention' && !sameVerdict) await this.#judged(connection);
        if (settlement.status !== 'attention' && before?.status === 'attention')
          this.#attentionTo.set(connection, loop.now);
        if (settlement.status === 'healthy') this.#causes.delete(connection);
        if (loop.now >= scenario.calmFrom) void this.notice();
        return true;
      },
      add: async connection => {
        const added = await connections.add(connection);
        if (added) this.#retiredOnes.delete(connection.connection);
        return added;
      },
      retire: async (connection, at) => {
        await connections.retire(connection, at);
        this.#retired(connection);
        loop.after(GRACE + GONE_WITHIN, () => void this.#gone(connection, at));
      },
      replace: async (connection, at) => {
        await connections.replace(connection, at);
        this.#retired(connection);
      },
      beginEnd: async (connection, how) => {
        const begun = await connections.beginEnd(connection, how);
        if (begun) this.#ends(connection);
        return begun;
      },
      revive: async (connection, how) => {
        await connections.revive(connection, how);
        await this.#revived(connection);
      },
    };
  }

  /** A run that acts now has not looked at a secret before. */
  #lastLook(): EpochMs {
    const { loop, scenario } = this.#parts;
    return plus(loop.now, -(LAG + scenario.longestFreeze));
  }

  #retired(connection: ConnectionId): void {
    const { loop, ledger } = this.#parts;
    // From here on nobody has to be served it.
    this.#retiredOnes.set(connection, this.#tokens.get(connection) ?? this.#retiredOnes.get(connection));
    this.#tokens.delete(connection);
    const customer = this.#customers.get(connection);
    if (customer && !customer.was(state => state === 'deleted', this.#lastLook(), loop.now))
      ledger.violated(`${connection}: retired, although its secret was there`);
  }

  /** What was there when a secret came back in time has to be served again. */
  async #revived(connection: ConnectionId): Promise<void> {
    const { connections, tokens } = this.#parts.stores;
    const record = await connections.get(connection);
    if (record?.retiredAt !== undefined) return;
    const token = this.#retiredOnes.get(connection);
    this.#retiredOnes.delete(connection);
    if (token && (await tokens.get(connection))?.version === token.version) this.#tokens.set(connection, token);
  }

  /** A connection ends only after its secret was away for the grace period; not quite, if nobody looked in between. */
  #ends(connection: ConnectionId): void {
    const { loop, ledger, troubled } = this.#parts;
    const { now } = loop;
    const customer = this.#customers.get(connection);
    if (!customer || customer.wasAway(GRACE - minutes(2), now) || troubled(plus(now, -minutes(20)), now)) return;
    ledger.violated(`${connection}: ended, although its secret was back in time`);
  }

  /** A token is readable for the grace period and a tick after its secret was found gone, and no longer. */
  async #gone(connection: ConnectionId, retiredAt: EpochMs): Promise<void> {
    const { loop, ledger, stores, troubled } = this.#parts;
    if (!this.#customers.has(connection) || troubled(plus(loop.now, -(GRACE + GONE_WITHIN)), loop.now)) return;
    const record = await stores.connections.get(connection);
    if (record?.retiredAt === retiredAt && (await stores.tokens.get(connection)))
      ledger.violated(`${connection}: its secret is gone, and its token is still there`);
  }

  /**
   * A person is only asked for where the secret was really wrong while the run looked at it; or where a person’s login
   * is lost, or may be, or a firewall stands in between: its provider would not take the refresh token any more, or an answer did not arrive; and no code
   * waits that was handed in after the fault.
   */
  async #judged(connection: ConnectionId): Promise<void> {
    const { loop, ledger, told, holds, scenario } = this.#parts;
    const { now } = loop;
    this.#attentionAt.set(connection, now);
    this.#attentionTo.delete(connection);
    told(connection);
    const customer = this.#customers.get(connection);
    if (!customer || customer.was(state => state !== 'good', this.#lastLook(), now)) return;
    if (this.#parts.isUsedUp(customer.provider)) return;
    const record = await this.#parts.stores.connections.get(connection);
    const stood = rejections.has(record?.lastError?.code) && this.#parts.rejected(plus(now, -hours(12)), now);
    if (stood) return;
    const refreshToken = (await this.#parts.stores.sessions.get(connection))?.session?.refreshToken;
    const inDoubt = record?.session?.inDoubt === true;
    const lost = inDoubt || refreshToken === undefined || !holds(customer.provider, refreshToken);
    if (!(customer.browser && lost && customer.changedAt < scenario.calmFrom && this.#mayBeLost(customer)))
      ledger.violated(`${connection}: attention without a reason`);
  }

  /** The only copy of access is lost by what providers, networks and people do; otherwise only with the table that kept it. */
  #mayBeLost({ connection, changedAt }: Customer): boolean {
    const { loop, scenario, took } = this.#parts;
    // A code is valid for five minutes, and a list of secrets may be older.
    if (scenario.lag > 0 && loop.now - changedAt > minutes(5) && loop.now - changedAt < minutes(15)) return true;
    const { sessionsEnd, secretsChange, edits, troubles } = scenario;
    const happened = troubles.some(({ kind, from }) => kind !== 'restored' && from <= loop.now);
    return sessionsEnd || secretsChange || edits || happened || took(connection);
  }

  /** Each cause is reported once without a success in between: the same version of a secret, or a firewall. */
  changed({ type, connection, reason }: Transition): void {
    if (type !== 'needs attention' || !this.#customers.has(connection)) return;
    const changes = this.#customers.get(connection)?.secretChanges.length ?? 0;
    const cause = `change ${changes}${rejections.has(reason) ? ' behind a firewall' : ''}`;
    if (this.#causes.get(connection) === cause)
      this.#parts.ledger.violated(`${connection}: attention twice for one cause`);
    this.#causes.set(connection, cause);
  }

  /** When tokens expired that nothing had replaced. */
  readonly expiries: EpochMs[] = [];

  /** A token expired: that must have been reported in the second half of its life. */
  #expired(token: Token): void {
    const { loop, alarms, mailbox, ledger, scenario } = this.#parts;
    const { connection, issuedAt, expiresAt } = token;
    if (this.#tokens.get(connection) !== token || !this.#customers.has(connection)) return;
    this.expiries.push(expiresAt);
    if (isUndisturbed(scenario)) ledger.violated(`${connection}: a token expired and nothing was wrong`);
    const late = plus(issuedAt, (expiresAt - issuedAt) / 2);
    const attention = this.#attentionAt.has(connection) && (this.#attentionTo.get(connection) ?? expiresAt) >= late;
    if (expiresAt > scenario.calmFrom + RECOVERY && !attention)
      ledger.violated(`${connection}: a token died in the calm`);
    if (alarms.told(attention, late, expiresAt) || mailbox.told(connection, late, expiresAt)) return;
    // Somebody deleted its secret when it was to be renewed, and brought it back at the last moment.
    if (this.#customers.get(connection)?.was(state => state === 'deleted', late, expiresAt)) return;
    // What strikes the watch as well delays the news, which then come soon after the end.
    const struck = scenario.troubles.some(
      ({ kind, from, to }) => from < expiresAt && to > late && strikesTheWatch.has(kind),
    );
    loop.after(minutes(8), () => {
      const { now } = loop;
      if (struck && (alarms.told(attention, late, now) || mailbox.told(connection, late, now))) return;
      ledger.violated(`${connection}: a token expired and nobody had been told`);
    });
  }

  /** Well, or waiting for the only person who can help, after a recent report. */
  async isWell({ connection, browser }: Customer): Promise<boolean> {
    const { loop, stores } = this.#parts;
    const record: Connection | undefined = await stores.connections.get(connection);
    const toldAt = this.#attentionAt.get(connection);
    if (browser && record?.status === 'attention') return toldAt !== undefined && loop.now - toldAt < RECOVERY;
    return record?.status === 'healthy' && (this.#tokens.get(connection)?.expiresAt ?? 0) > loop.now;
  }

  /** Looks whether everyone is well for the first time since the last fault. */
  async notice(): Promise<void> {
    if (this.#recoveredAt !== undefined) return;
    const well = await Promise.all(this.#parts.customers.map(each => this.isWell(each)));
    if (!well.includes(false)) this.#recoveredAt ??= this.#parts.loop.now;
  }

  /** From the last fault until everyone was well. */
  get recovery(): Milliseconds {
    const { calmFrom, end } = this.#parts.scenario;
    return (this.#recoveredAt ?? end) - calmFrom;
  }

  async everyoneIsWell(): Promise<void> {
    const { customers, ledger, stores } = this.#parts;
    for (const customer of customers) {
      if (await this.isWell(customer)) continue;
      const record = await stores.connections.get(customer.connection);
      ledger.violated(`${customer.connection}: not well again, ${record?.status} (${record?.lastError?.code})`);
    }
  }

  /** Exact as long as those who book and those who call live in one time: no freeze in between, no skew. */
  withinBudgets(): void {
    const { scenario, ledger } = this.#parts;
    const { providers, maxSkew, troubles } = scenario;
    if (maxSkew > 0 || troubles.some(({ kind }) => kind === 'freezes')) return;
    for (const { id, rateLimit } of providers) {
      const most = rateLimit ? ledger.mostCallsWithin(id, rateLimit.per) : 0;
      if (rateLimit && most > rateLimit.calls)
        ledger.violated(`${most} calls of ${id} whose rate limit allows ${rateLimit.calls}`);
    }
  }

  /** While a provider is down it is not asked more often than a backoff of up to five minutes, at random, comes to. */
  patientInOutages(): void {
    const { ledger, scenario, customers } = this.#parts;
    // A neighbour's calls are among those that a provider counts.
    if (scenario.neighbour) return;
    for (const { kind, share, from, to } of scenario.troubles) {
      if (kind !== 'outage' || share < 0.7 || to - from < hours(1)) continue;
      for (const { id } of scenario.providers) {
        const each = ledger.callsOf(id, from, to) / customers.filter(({ provider }) => provider === id).length;
        const most = (42 * (to - from)) / hours(1);
        if (each > most) ledger.violated(`${id}: ${Math.round(each)} calls for a connection in an outage`);
      }
    }
  }

  /** Calls of providers in the calm over those that were needed: for the provider that has the most to spare. */
  callRatio(): number {
    const { ledger, scenario, customers } = this.#parts;
    const { calmFrom, end, providers } = scenario;
    if (scenario.neighbour) return 0;
    return Math.max(
      ...providers.map(({ id, lifetime }) => {
        const mine = customers.filter(each => each.provider === id);
        const needed = mine.reduce(
          (sum, each) => sum + this.#callsNeededBy(each, stepsOf(id), lifeOf({ id, lifetime })),
          0,
        );
        return ledger.callsOf(id, calmFrom, end) / needed;
      }),
    );
  }

  #callsNeededBy({ provider, connection, secretChanges }: Customer, steps: number, life: Milliseconds): number {
    const { calmFrom, end, sessionsEnd } = this.#parts.scenario;
    // At the shortest interval that was promised, beginning at the worst moment.
    const renewals = Math.floor((end - calmFrom) / (0.45 * life)) + 1;
    // A session that its provider ended is found out by one call that is refused, and so is a login that only a person had.
    const ended = rotatingProviders.has(provider) && sessionsEnd;
    const lost = (this.#attentionAt.get(connection) ?? START) >= calmFrom;
    // A secret that was put right is tried once discovery gets to note it, however young the token is.
    const late = secretChanges.filter(at => at >= calmFrom).length;
    const mended = Math.max(secretChanges.some(at => at > START) ? 1 : 0, late);
    return steps * (renewals + mended) + (ended || lost ? 1 : 0);
  }
}
