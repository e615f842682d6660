import { createHash } from 'node:crypto';
import type { MetricRef } from '../../infra/alarm-spec.ts';
import type { FunctionName } from '../../infra/staged-function.ts';
import { defaultPolicy, tickOf, WATCH_EVERY } from '../../lib/core/policy.ts';
import { type ConnectionId, type EpochMs, type Milliseconds, minutes, plus, seconds } from '../../lib/core/types.ts';
import type { SecretSource } from '../../lib/ports.ts';
import { createSimulators } from '../../local/simulators/index.ts';
import { emptyTables, type MemoryTables, memoryStores, type SecretAdmin } from '../kit/memory.ts';
import { Alarms } from './alarms.ts';
import { deadLetters } from './aws-metrics.ts';
import { checkCallRatio, checkOutages, checkRateLimits } from './call-budgets.ts';
import { SimulatedCloud } from './cloud.ts';
import { type AlarmEvaluator, Measurements } from './cloudwatch.ts';
import type { Customer, SecretState } from './customers.ts';
import { Editors } from './editors.ts';
import { Faults } from './faults.ts';
import { lagging } from './lagging.ts';
import { ProviderLedger } from './ledger.ts';
import { Loop } from './loop.ts';
import { Mailbox } from './mailbox.ts';
import { Neighbour } from './neighbour.ts';
import { SIMULATION_START, SimulatedNetwork } from './network.ts';
import { Operator } from './operator.ts';
import { customersOf, People } from './people.ts';
import { Quiet } from './quiet.ts';
import { Random } from './random.ts';
import { Readers } from './readers.ts';
import { Restorer } from './restorer.ts';
import { RECOVERY, type SeedScenario, scenarioOf } from './scenario.ts';
import { Witness } from './witness.ts';

const URL_OF_SIMULATORS = 'http://127.0.0.1:8080';

/** The outcome of a seed. Durations in milliseconds. */
export interface SeedOutcome {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly simulated: Milliseconds;
  readonly steps: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly reads: number;
  readonly grants: number;
  /** The grants of providers, by provider and kind of grant. */
  readonly granted: Readonly<Record<string, number>>;
  /** From the last fault until every connection was healthy. */
  readonly recovery: Milliseconds;
  /** Calls to providers in the calm after it, divided by the necessary ones. */
  readonly callRatio: number;
  readonly alarms: number;
}

/** Whether a provider would still accept a refresh token. */
const holds = ({ state }: ReturnType<typeof createSimulators>, provider: string, refreshToken: string): boolean =>
  state.get()[provider]?.refreshTokens.some(([token, { spent }]) => token === refreshToken && !spent) ?? false;

/** CloudWatch shows data up to this much later. */
const CLOUDWATCH_LATE = minutes(2);

/** When the token expires, according to the record of the connection that stores a refresh token. */
const knownLife = ({ sessions, records }: MemoryTables, refreshToken: string): EpochMs | undefined => {
  const [keeper] = [...sessions].find(([, { session }]) => session?.refreshToken === refreshToken) ?? [];
  return keeper && records.get(keeper)?.expiresAt;
};

/** One run: everything in it follows from the seed. */
export class SeedRun {
  readonly #seed: number;
  readonly #random: Random;
  readonly #scenario: SeedScenario;
  readonly #loop = new Loop(SIMULATION_START);
  readonly #faults: Faults;
  readonly #ledger: ProviderLedger;
  readonly #secrets: SecretSource & SecretAdmin;
  readonly #customers: readonly Customer[];
  readonly #alarms: Alarms;
  readonly #people: People;
  readonly #witness: Witness;
  readonly #cloud: SimulatedCloud;
  readonly #readers: Readers;
  readonly #neighbour: Neighbour;
  readonly #neighbourRandom: Random;
  readonly #editors: Editors;
  readonly #operator: Operator;
  readonly #measured: (metric: MetricRef, value: number) => void;
  readonly mailbox = new Mailbox();
  readonly #quiet: Quiet;
  readonly #restorer: Restorer;
  /** A hash of every log line, event, stored error and refusal, in order. */
  readonly logged = createHash('sha256');

  constructor(seed: number, scenario?: Partial<SeedScenario>) {
    this.#seed = seed;
    this.#random = new Random(seed);
    const random = () => this.#random.fork();
    this.#scenario = { ...scenarioOf(random()), ...scenario };
    const { providers, maxSkew, travel, leastLate = 0 } = this.#scenario;
    const loop = this.#loop;
    const now = () => loop.now;
    const say = (line: string) => this.#say(line);
    this.#faults = new Faults(random(), this.#scenario, now);
    const tables = emptyTables();
    const memory = memoryStores({}, tables);
    const isUsedUp = (provider: string) =>
      [...tables.logins].some(([key, { state }]) => key.startsWith(`${provider}#`) && (state.wrong ?? 0) >= 3);
    this.#ledger = new ProviderLedger({
      url: URL_OF_SIMULATORS,
      now,
      troubled: (from, to) => this.#faults.troubled(from, to),
      knownLife: refreshToken => knownLife(tables, refreshToken),
      forgot: at => this.#restorer.forgot(at),
      mayBeSentAgain: (...which) => this.#restorer.mayBeSentAgain(...which),
    });
    const secrets = lagging(memory.secrets, now, () => this.#lag());
    this.#secrets = secrets;
    this.#customers = customersOf(this.#scenario, URL_OF_SIMULATORS, secrets);
    const simulators = createSimulators({ now, scale: 1, random: random().next, url: URL_OF_SIMULATORS }, [
      ...this.#customers.map(({ account }) => account),
      ...Neighbour.accounts(this.#scenario),
    ]);
    const data = new Measurements();
    this.#alarms = new Alarms(data);
    const lateness = new Random(seed);
    this.#measured = (metric, value) => {
      const at = now();
      loop.after(lateness.between(leastLate, CLOUDWATCH_LATE), () => data.put(metric, at, value));
    };
    const shared = { loop, faults: this.#faults, scenario: this.#scenario, customers: this.#customers };
    this.#people = new People({ ...shared, random: random(), ledger: this.#ledger, simulators });
    this.#witness = new Witness({
      ...shared,
      ledger: this.#ledger,
      troubled: (from, to) => this.#faults.troubled(from, to),
      rejected: (from, to) => this.#faults.rejected(from, to),
      alarms: this.#alarms,
      mailbox: this.mailbox,
      stores: { ...memory, secrets },
      say,
      holds: (provider, refreshToken) => holds(simulators, provider, refreshToken),
      reported: connection => this.#people.reported(connection),
      took: connection => this.#restorer.took(connection),
      isUsedUp,
    });
    this.#cloud = new SimulatedCloud({
      loop,
      faults: this.#faults,
      random: random(),
      stores: this.#witness.stores,
      network: new SimulatedNetwork(
        ...([loop, this.#faults, random(), simulators, URL_OF_SIMULATORS, this.#ledger, travel] as const),
        request => this.#neighbour.answer(request, now()),
      ),
      providers,
      policy: defaultPolicy,
      measured: this.#measured,
      mailed: (news, how) => this.mailbox.add(news, how, now()),
      maxSkew,
      logged: say,
      changed: transition => this.#witness.changed(transition),
    });
    this.#readers = new Readers({
      ...shared,
      random: random(),
      cloud: this.#cloud,
      simulators,
      url: URL_OF_SIMULATORS,
      ledger: this.#ledger,
      published: ({ connection }) => this.#witness.published(connection),
      cameBack: token => this.#restorer.cameBack(token),
      say,
    });
    // Last: everything before keeps its random numbers.
    this.#neighbourRandom = random();
    this.#neighbour = new Neighbour({
      ...shared,
      random: random(),
      secrets,
      ledger: this.#ledger,
      url: URL_OF_SIMULATORS,
    });
    this.#operator = new Operator({
      loop,
      cloud: this.#cloud,
      providers,
      connections: memory.connections,
      secrets: memory.secrets,
      customers: this.#customers,
      isUsedUp,
    });
    this.#editors = new Editors({ ...shared, operator: this.#operator, random: random() });
    this.#restorer = new Restorer({
      ...shared,
      tables,
      ledger: this.#ledger,
      witness: this.#witness,
      readers: this.#readers,
    });
    this.#quiet = new Quiet({
      ...shared,
      ledger: this.#ledger,
      connections: memory.connections,
      witness: this.#witness,
      troubled: (from, to) => this.#faults.troubled(from, to),
      cameBack: token => this.#restorer.cameBack(token),
      isUsedUp,
    });
  }

  /** In the calm, lists are current. */
  #lag(): Milliseconds {
    const { lag, calmFrom } = this.#scenario;
    return lag > 0 && this.#loop.now < calmFrom ? this.#neighbourRandom.between(0, lag) : 0;
  }

  async run(): Promise<SeedOutcome> {
    const { end, calmFrom, providers, schedules, schedulesDieAt = end } = this.#scenario;
    await this.#people.begin();
    this.#neighbour.begin(this.#cloud);
    this.#editors.begin();
    this.#quiet.begin();
    this.#restorer.begin();
    this.#repeat(WATCH_EVERY, () => this.#tick('watch', () => this.#cloud.watch()));
    for (const provider of providers) {
      for (let n = 0; n < schedules; n += 1) {
        this.#repeat(tickOf(provider), () => {
          if (this.#loop.now < schedulesDieAt) this.#tick('refresh', () => this.#cloud.tick(provider, n, schedules));
        });
      }
    }
    this.#repeat(minutes(1), () => this.#alarms.evaluate(this.#loop.now), 0);
    this.#readers.begin();
    await this.#loop.run(calmFrom);
    await this.#people.repair();
    this.#operator.begin();
    await this.#witness.notice();
    for (let at = plus(calmFrom, RECOVERY); at < end; at = plus(at, RECOVERY)) {
      await this.#loop.run(at);
      await this.#witness.everyoneIsWell();
    }
    await this.#loop.run(end);
    await this.#witness.everyoneIsWell();
    const calls = {
      ...{ scenario: this.#scenario, ledger: this.#ledger, customers: this.#customers },
      attentionAt: (connection: ConnectionId) => this.#witness.attentionAt(connection),
    };
    checkRateLimits(calls);
    checkOutages(calls);
    const callRatio = checkCallRatio(calls);
    return {
      seed: this.#seed,
      violations: this.#ledger.violations,
      simulated: end - SIMULATION_START,
      steps: this.#loop.steps,
      faults: this.#faults.counts,
      reads: this.#readers.reads,
      grants: this.#witness.grants,
      granted: this.#ledger.grants,
      recovery: this.#witness.recovery,
      callRatio,
      alarms: this.#alarms.fired,
    };
  }

  #say(line: string): void {
    this.logged.update(line);
    this.#ledger.logged(line);
  }

  /** Schedules begin at some time in their first period, and keep their interval. */
  #repeat(every: Milliseconds, action: () => void, phase = this.#random.next()): void {
    let next = plus(SIMULATION_START, every * (phase === 0 ? 1 : phase));
    const again = () => {
      action();
      next = plus(next, every);
      this.#loop.at(next, again);
    };
    this.#loop.at(next, again);
  }

  /** A tick of the scheduler, which may be missed, doubled or late. */
  #tick(of: FunctionName, run: () => Promise<unknown>): void {
    if (this.#faults.strikes('missed ticks', of)) {
      this.#faults.count('tick missed');
      return;
    }
    if (this.#faults.strikes('duplicate ticks', of)) {
      this.#faults.count('tick twice');
      void this.#attempt(run);
    }
    const late = this.#faults.strikes('late ticks', of);
    if (late) this.#faults.count('tick late');
    this.#loop.after(late ? this.#random.between(seconds(5), minutes(4)) : 0, () => void this.#attempt(run));
  }

  /** Lambda retries a failed invocation once, a minute later, and then makes a dead letter of it. */
  async #attempt(run: () => Promise<unknown>, isLast = false): Promise<void> {
    if ((await run()) !== 'killed') return;
    if (isLast) this.#measured(deadLetters, 1);
    else this.#loop.after(minutes(1), () => void this.#attempt(run, true));
  }

  /** A person changes secrets this long after the start. */
  at(after: Milliseconds, action: (secrets: SecretSource & SecretAdmin) => Promise<void>): void {
    this.#loop.at(plus(SIMULATION_START, after), () => void action(this.#secrets));
  }

  /** Stores the first customer's secret in some state, this long after the start. */
  storeSecret(after: Milliseconds, state: SecretState): void {
    this.#loop.at(plus(SIMULATION_START, after), () => void this.#customers[0]?.store(state, this.#loop.now));
  }

  /** The times at which published tokens expired without a newer one. */
  get expiries(): readonly EpochMs[] {
    return this.#witness.expiries;
  }

  get alarms(): readonly AlarmEvaluator[] {
    return this.#alarms.all;
  }
}
