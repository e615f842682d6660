import { createHash } from 'node:crypto';
import { type AlarmSpec, alarmsFor } from '../../infra/alarms.ts';
import { defaultPolicy, tickOf } from '../../lib/core/policy.ts';
import {
  type Connection,
  type ConnectionId,
  type EpochMs,
  hours,
  type Milliseconds,
  minutes,
  plus,
  providerOf,
  seconds,
  type Token,
} from '../../lib/core/types.ts';
import type { Transition } from '../../lib/shell/transition.ts';
import { createSimulators } from '../../local/simulators/index.ts';
import { memoryStores, type Stores } from '../support/memory.ts';
import { Cloud, pathOf } from './cloud.ts';
import { AlarmEvaluator, Measurements } from './cloudwatch.ts';
import { Customer, type SecretState } from './customers.ts';
import { Faults } from './faults.ts';
import { Ledger, rotating } from './ledger.ts';
import { Loop } from './loop.ts';
import { Network, START } from './network.ts';
import { Random } from './random.ts';
import { RECOVERY, type Scenario, scenarioOf } from './scenario.ts';

const URL_OF_SIMULATORS = 'http://127.0.0.1:8080';
const PREFIX = 'token-refresher/';

/** What came of a seed. Durations in milliseconds. */
export interface Outcome {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly simulated: Milliseconds;
  readonly steps: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly reads: number;
  readonly grants: number;
  /** From the last fault until every connection was healthy. */
  readonly recovery: Milliseconds;
  /** Calls of providers in the calm after it over those that were needed. */
  readonly callRatio: number;
  readonly alarms: number;
}

/** One run: everything in it follows from the seed. */
export class Run {
  readonly #seed: number;
  readonly #random: Random;
  readonly #scenario: Scenario;
  readonly #loop = new Loop(START);
  readonly #faults: Faults;
  readonly #ledger: Ledger;
  readonly #stores: Stores;
  readonly #cloud: Cloud;
  readonly #customers: Customer[] = [];
  readonly #simulators: ReturnType<typeof createSimulators>;
  /** Of every log line, event, stored error and refusal, in their order. */
  readonly said = createHash('sha256');
  readonly #data = new Measurements();
  readonly #alarms: AlarmEvaluator[];
  readonly #tokens = new Map<ConnectionId, Token>();
  readonly #attention = new Map<ConnectionId, string>();
  #reads = 0;
  #grants = 0;
  #recoveredAt: EpochMs | undefined;

  constructor(seed: number, scenario?: Partial<Scenario>) {
    this.#seed = seed;
    this.#random = new Random(seed);
    this.#scenario = { ...scenarioOf(this.#random.fork()), ...scenario };
    const now = () => this.#loop.now;
    this.#faults = new Faults(this.#random.fork(), this.#scenario.troubles, now);
    this.#ledger = new Ledger(URL_OF_SIMULATORS, now);
    const memory = memoryStores();
    this.#stores = {
      ...memory,
      tokens: this.#watchTokens(memory.tokens),
      connections: this.#watchRecords(memory.connections),
    };
    this.#makeCustomers();
    this.#simulators = createSimulators(
      { now, scale: 1, random: this.#random.fork().next, url: URL_OF_SIMULATORS },
      this.#customers.map(({ account }) => account),
    );
    this.#cloud = new Cloud({
      loop: this.#loop,
      faults: this.#faults,
      random: this.#random.fork(),
      stores: this.#stores,
      network: new Network(
        this.#loop,
        this.#faults,
        this.#random.fork(),
        this.#simulators,
        URL_OF_SIMULATORS,
        this.#ledger,
      ),
      providers: this.#scenario.providers,
      policy: defaultPolicy,
      data: this.#data,
      maxSkew: this.#scenario.maxSkew,
      said: line => this.#say(line),
      changed: transition => this.#changed(transition),
    });
    this.#alarms = this.#specs().map(spec => new AlarmEvaluator(spec, this.#data));
  }

  #makeCustomers(): void {
    for (const provider of this.#scenario.providers) {
      for (let n = 0; n < this.#scenario.connections; n += 1) {
        const browser = provider.id === 'ioffice' && this.#scenario.browser && n === 0;
        this.#customers.push(
          new Customer(provider.id, `customer-${n}`, URL_OF_SIMULATORS, this.#stores.secrets, browser),
        );
        if (browser) this.#ledger.onlyCopy.add(provider.id);
      }
    }
  }

  #specs(): readonly AlarmSpec[] {
    return alarmsFor({
      providers: this.#scenario.providers.map(({ id, lifetime }) => ({
        id,
        lifetime,
        tick: tickOf(lifetime),
        schedules: 1,
        refreshAt: defaultPolicy.refreshAt,
      })),
      functions: ['discover', 'api', ...this.#scenario.providers.map(({ id }) => `refresh-${id}`)].map(id => ({
        id,
        name: id,
        timeout: minutes(3),
      })),
      tables: [],
      apiId: 'api',
      deadLetters: 'queue',
    });
  }

  async run(): Promise<Outcome> {
    const { end, calmFrom, discoverEvery } = this.#scenario;
    for (const customer of this.#customers) await this.#begin(customer);
    this.#repeat(discoverEvery, () => this.#tick(() => this.#cloud.discover(PREFIX)));
    for (const provider of this.#scenario.providers) {
      this.#repeat(tickOf(provider.lifetime), () => this.#tick(() => this.#cloud.tick(provider)));
    }
    this.#repeat(minutes(1), () => this.#evaluate());
    this.#reading();
    if (this.#scenario.secretsChange) this.#people();
    if (this.#scenario.sessionsEnd) this.#sessions();
    await this.#loop.run(calmFrom);
    await this.#mend();
    await this.#loop.run(plus(calmFrom, RECOVERY));
    await this.#everyoneIsWell();
    await this.#loop.run(end);
    await this.#everyoneIsWell();
    this.#withinBudgets();
    const callRatio = this.#callRatio(calmFrom, end);
    if (callRatio > 1.1) this.#ledger.violated(`${callRatio.toFixed(2)} times the calls that were needed`);
    return {
      seed: this.#seed,
      violations: this.#ledger.violations,
      simulated: end - START,
      steps: this.#loop.steps,
      faults: this.#faults.counts,
      reads: this.#reads,
      grants: this.#grants,
      recovery: (this.#recoveredAt ?? end) - calmFrom,
      callRatio,
      alarms: this.#alarms.reduce((sum, { fired }) => sum + fired.length, 0),
    };
  }

  #say(line: string): void {
    this.said.update(line);
    this.#ledger.said(line);
  }

  async #begin(customer: Customer): Promise<void> {
    await customer.store('good', this.#loop.now, customer.browser ? this.#logIn(customer) : undefined);
  }

  /** A person logs in in a browser and takes the code from the address. */
  #logIn(customer: Customer): string {
    const { clientId = '', redirectUri = '', scope = '' } = customer.account.fields;
    const query = new URLSearchParams({ response_type: 'code', client_id: clientId, redirect_uri: redirectUri, scope });
    const { headers } = this.#simulators.handle({
      method: 'GET',
      path: `/ioffice/login.html?${query}`,
      headers: {},
      body: '',
    });
    const code = new URLSearchParams(headers.location?.split('#')[1]).get('code');
    if (!code) throw new Error('the simulator gave no code');
    return code;
  }

  #repeat(every: Milliseconds, action: () => void): void {
    let next = plus(START, every === minutes(1) ? every : every * this.#random.next());
    const again = () => {
      action();
      next = plus(next, every);
      this.#loop.at(next, again);
    };
    this.#loop.at(next, again);
  }

  /** The scheduler at its best and its worst. */
  #tick(run: () => Promise<unknown>): void {
    if (this.#faults.strikes('missed ticks')) {
      this.#faults.count('tick missed');
      return;
    }
    if (this.#faults.strikes('duplicate ticks')) {
      this.#faults.count('tick twice');
      void run();
    }
    const late = this.#faults.strikes('late ticks');
    if (late) this.#faults.count('tick late');
    this.#loop.after(late ? this.#random.between(seconds(5), minutes(4)) : 0, () => void run());
  }

  #reading(): void {
    const next = () => {
      void this.#read(this.#random.pick(this.#customers as [Customer, ...Customer[]]));
      this.#loop.after(this.#random.between(0, 2 * this.#scenario.readEvery), next);
    };
    this.#loop.after(minutes(1), next);
  }

  async #read(customer: Customer): Promise<void> {
    const { connection } = customer;
    const held = this.#tokens.get(connection);
    const forced = this.#loop.now < this.#scenario.calmFrom && this.#random.chance(0.03);
    const served = await this.#cloud.request(
      forced ? 'POST' : 'GET',
      `${pathOf(connection)}${forced ? '/refresh' : ''}`,
    );
    if (!served) return;
    this.#reads += 1;
    const { answer, at } = served;
    const now = this.#loop.now;
    if (answer.status === 200) {
      const { expiresAt } = JSON.parse(answer.body) as { expiresAt: string };
      if (Date.parse(expiresAt) <= now - this.#scenario.maxSkew)
        this.#ledger.violated(`${connection}: a reader got a dead token`);
      return;
    }
    this.#say(answer.body);
    if (forced) return;
    const there = this.#tokens.get(connection);
    const lived = held !== undefined && held === there && held.expiresAt > now + 2 * Math.abs(at.skew);
    if (lived && answer.status !== 500)
      this.#ledger.violated(`${connection}: a reader was refused a living token (${answer.status})`);
  }

  /** People change passwords, break secrets, delete them and put them right again. */
  #people(): void {
    const next = () => {
      if (this.#loop.now >= this.#scenario.calmFrom) return;
      const customer = this.#random.pick(this.#customers as [Customer, ...Customer[]]);
      void this.#meddle(customer);
      this.#loop.after(this.#random.between(minutes(10), hours(4)), next);
    };
    this.#loop.after(this.#random.between(minutes(5), hours(1)), next);
  }

  async #meddle(customer: Customer): Promise<void> {
    if (customer.state !== 'good') return this.#repair(customer);
    this.#faults.count('secret changed');
    if (customer.browser) return;
    if (this.#random.chance(0.4)) {
      customer.changePassword();
      // Until somebody stores the new one, the secret is wrong without having changed.
      customer.history.push({ at: this.#loop.now, state: 'wrong password' });
      this.#loop.after(this.#random.between(0, minutes(30)), () => void this.#repair(customer));
      return;
    }
    const bad = this.#random.pick<SecretState>(['wrong password', 'broken JSON', 'missing field', 'deleted']);
    await customer.store(bad, this.#loop.now);
  }

  async #repair(customer: Customer): Promise<void> {
    if (customer.state === 'good') return;
    if (customer.state === 'deleted') await this.#stores.secrets.restore(`${PREFIX}${customer.connection}`);
    await customer.store('good', this.#loop.now, customer.browser ? this.#logIn(customer) : undefined);
  }

  /** Providers end sessions: every refresh token that is out is refused from then on. */
  #sessions(): void {
    const next = () => {
      if (this.#loop.now >= this.#scenario.calmFrom) return;
      this.#faults.count('sessions ended');
      const state = this.#simulators.state.get();
      this.#simulators.state.restore(
        Object.fromEntries(
          Object.entries(state).map(([id, each]) => [
            id,
            this.#ledger.onlyCopy.has(id) ? each : { ...each, refreshTokens: [] },
          ]),
        ),
      );
      this.#loop.after(this.#random.between(hours(1), hours(12)), next);
    };
    this.#loop.after(this.#random.between(minutes(30), hours(6)), next);
  }

  /** The last fault is over: every secret is put right, and nothing goes wrong from here on. */
  async #mend(): Promise<void> {
    for (const customer of this.#customers) await this.#repair(customer);
    await this.#notice();
  }

  async #record(connection: ConnectionId): Promise<Connection | undefined> {
    return this.#stores.connections.get(connection);
  }

  async #everyoneIsWell(): Promise<void> {
    for (const { connection, browser } of this.#customers) {
      const record = await this.#record(connection);
      const token = this.#tokens.get(connection);
      const alive = token !== undefined && token.expiresAt > this.#loop.now;
      // What only a person had cannot come back without one.
      if (browser && record?.status === 'attention') continue;
      if (record?.status !== 'healthy' || !alive) {
        this.#ledger.violated(
          `${connection}: not well again, ${record?.status} (${record?.lastError?.code}), ${alive ? 'alive' : 'dead'}`,
        );
      }
    }
  }

  /** Exact as long as those who book and those who call live in one time: no freeze in between, no skew. */
  #withinBudgets(): void {
    const { providers, maxSkew, troubles } = this.#scenario;
    if (maxSkew > 0 || troubles.some(({ kind }) => kind === 'freezes')) return;
    for (const { id, budget } of providers) {
      const most = budget ? this.#ledger.mostCallsWithin(id, budget.per) : 0;
      if (budget && most > budget.calls)
        this.#ledger.violated(`${most} calls of ${id} where its budget has ${budget.calls}`);
    }
  }

  #callRatio(from: EpochMs, to: EpochMs): number {
    const worst = this.#scenario.providers.map(({ id, lifetime }) => {
      const calls = this.#ledger.callsOf(id, from, to);
      const steps = id === 'ioffice' ? 2 : 1;
      const life = id === 'ioffice' ? hours(4) : lifetime;
      // At the shortest interval there is, beginning at the worst moment.
      const renewals = Math.floor((to - from) / (life * defaultPolicy.refreshAt * (1 - defaultPolicy.jitter))) + 1;
      // A session that its provider ended is found out by one call that is refused.
      const refused = rotating.has(id) && this.#faults.counts['sessions ended'] !== undefined ? 1 : 0;
      // A secret that was put right is tried once discovery gets to note it, however young the token is.
      const mended = this.#customers.filter(each => each.provider === id && each.changedAt > START).length;
      return calls / (this.#scenario.connections * (steps * renewals + refused) + steps * mended);
    });
    return Math.max(...worst);
  }

  #watchTokens(tokens: Stores['tokens']): Stores['tokens'] {
    return {
      ...tokens,
      publish: async token => {
        const before = this.#tokens.get(token.connection);
        const published = await tokens.publish(token);
        if (published && before?.accessToken !== token.accessToken) {
          this.#ledger.published(token, before);
          this.#grants += 1;
          this.#tokens.set(token.connection, token);
          this.#loop.at(token.expiresAt, () => this.#expired(token));
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
    return {
      ...connections,
      settle: async (connection, mine, settlement) => {
        const before = await connections.get(connection);
        const settled = await connections.settle(connection, mine, settlement);
        if (settled) this.#say(JSON.stringify(settlement.lastError ?? {}));
        const customer = this.#customers.find(each => each.connection === connection);
        const judged = settlement.status === 'attention' && before?.status !== 'attention';
        if (settled && judged && customer) this.#judged(customer);
        if (settled && settlement.status === 'healthy') {
          this.#attention.delete(connection);
          if (this.#loop.now >= this.#scenario.calmFrom) void this.#notice();
        }
        return settled;
      },
    };
  }

  /** A person is only asked for where the secret was really wrong while the run looked at it. */
  #judged(customer: Customer): void {
    if (customer.browser) return;
    const now = this.#loop.now;
    if (!customer.wasBad(plus(now, -minutes(4)), now))
      this.#ledger.violated(`${customer.connection}: attention without a reason`);
  }

  async #notice(): Promise<void> {
    for (const { connection, browser } of this.#customers) {
      const record = await this.#record(connection);
      if (record?.status !== 'healthy' && !(browser && record?.status === 'attention')) return;
    }
    this.#recoveredAt ??= this.#loop.now;
  }

  /** Nobody is told twice of one cause: the same version of a secret, without a success in between. */
  #changed({ type, connection }: Transition): void {
    if (type !== 'needs attention') return;
    const customer = this.#customers.find(each => each.connection === connection);
    const cause = `${customer?.history.length}`;
    if (this.#attention.get(connection) === cause && !customer?.browser)
      this.#ledger.violated(`${connection}: attention twice for one cause`);
    this.#attention.set(connection, cause);
  }

  #evaluate(): void {
    const now = this.#loop.now;
    for (const alarm of this.#alarms) {
      // An alarm of a schedule that is new has nothing to look at yet.
      const { period, evaluationPeriods } = alarm.spec;
      if (now % period === 0 && now - START > (evaluationPeriods + 1) * period) alarm.evaluate(now);
    }
  }

  /** A token died: somebody has to have been told before. */
  #expired(token: Token): void {
    const { connection, issuedAt, expiresAt } = token;
    if (this.#tokens.get(connection) !== token) return;
    const provider = providerOf(connection);
    const about = (spec: AlarmSpec) =>
      spec.id.endsWith(provider) || spec.id === 'discovery-missing' || spec.id === 'function-errors-discover';
    const told = this.#alarms.some(alarm => about(alarm.spec) && alarm.firedBetween(issuedAt, expiresAt));
    if (!told) this.#ledger.violated(`${connection}: a token died and no alarm had fired`);
  }

  /** Has the first customer's secret be stored in some state, so long after the start. */
  storeSecret(after: Milliseconds, state: SecretState): void {
    this.#loop.at(plus(START, after), () => void this.#customers[0]?.store(state, this.#loop.now));
  }

  get alarms(): readonly AlarmEvaluator[] {
    return this.#alarms;
  }
}
