import { epochMs, minutes, plus } from '../../lib/core/types.ts';
import { providers } from '../../lib/providers/index.ts';
import { Loop } from '../../test/simulation/loop.ts';
import { grants } from './answers.ts';
import { MeteredCloud } from './cloud.ts';
import { type CustomerSecret, customerSecretsOf } from './customers.ts';
import { Meter } from './meter.ts';
import { MONTH } from './month.ts';
import type { Plan } from './plan.ts';
import { MeteredSecrets } from './secret-store.ts';
import { MeteredTables } from './tables.ts';
import type { TemplateResources } from './template.ts';

/** The result of a part of a healthy month. */
export interface Metered {
  readonly meter: Meter;
  readonly secrets: number;
  /** Of all items. */
  readonly tableBytes: number;
  /** Of the watch: 1 is best. */
  readonly lowestLife: number;
  readonly longestOverdue: number;
  readonly troubles: readonly string[];
}

const PREFIX = 'token-refresher/';
/** Metering begins on the hour: CloudWatch bills hours. */
const FROM = epochMs(Date.UTC(2026, 0, 1));

/** Runs a deployment until its load is steady, and then counts. */
export const metered = async (plan: Plan, deployed: TemplateResources): Promise<Metered> => {
  const loop = new Loop(plus(FROM, -plan.warmUp));
  const meter = new Meter();
  const tables = new MeteredTables(meter);
  const secrets = new MeteredSecrets(meter);
  const troubles: string[] = [];
  let [lowestLife, longestOverdue] = [1, 0];
  const cloud = new MeteredCloud({
    ...{ loop, meter, deployed, tables, secrets },
    providers,
    answers: new Map(
      plan.shares.map(({ provider, lifetime }) => [
        provider.id,
        grants(provider, { lifetime, tokenLength: plan.tokenLength }),
      ]),
    ),
    onTrouble: line => {
      if (meter.on && troubles.length < 3) troubles.push(line);
    },
    onHealth: health => {
      if (!meter.on) return;
      lowestLife = Math.min(lowestLife, health.lowestLife);
      longestOverdue = Math.max(longestOverdue, health.longestOverdue);
    },
  });
  const until = plus(FROM, plan.metered);

  const connections = createSecrets(loop, secrets, plan);
  schedule(loop, cloud, meter, deployed, until);
  read(loop, cloud, deployed, { connections, until, reads: plan.reads, meter });
  loop.at(FROM, () => {
    meter.on = true;
  });
  await loop.run(until);
  meter.on = false;
  return { meter, secrets: secrets.size, tableBytes: tables.bytes, lowestLife, longestOverdue, troubles };
};

/** Creates secrets over the time in which each token is renewed once: this spreads renewals evenly. */
const createSecrets = (loop: Loop, secrets: MeteredSecrets, { shares, refreshAt }: Plan): readonly string[] =>
  shares.flatMap(({ provider, lifetime, ...share }) => {
    const customers = customerSecretsOf(provider, share);
    const create = ({ name, text }: CustomerSecret) => secrets.create(`${PREFIX}${name}`, text);
    customers.forEach((customer, n) => {
      loop.after((n / customers.length) * lifetime * refreshAt, () => create(customer));
    });
    return customers.flatMap(customer => customer.connections);
  });

const schedule = (
  loop: Loop,
  cloud: MeteredCloud,
  meter: Meter,
  { schedules, functions }: TemplateResources,
  until: number,
): void => {
  for (const [n, { target, every, input }] of schedules.entries()) {
    const fn = functions.find(({ id }) => id === target);
    if (!fn) throw new Error(`a schedule invokes ${target}, which is not a function`);
    const tick = () => {
      meter.add('ticks');
      cloud.invoke(fn, input).catch(error => {
        throw error;
      });
      if (loop.now + every < until) loop.after(every, tick);
    };
    // Schedules begin when they are created, not on the minute.
    loop.after((n * minutes(1)) / schedules.length, tick);
  }
};

interface Reads {
  readonly connections: readonly string[];
  readonly until: number;
  /** A month. */
  readonly reads: number;
  readonly meter: Meter;
}

const read = (loop: Loop, cloud: MeteredCloud, { functions, accessLog }: TemplateResources, reads: Reads): void => {
  const api = functions.find(({ kind }) => kind === 'api');
  if (!api || reads.reads === 0) return;
  const pause = MONTH / reads.reads;
  let n = 0;
  const next = () => {
    const connection = reads.connections[n++ % reads.connections.length] ?? '';
    reads.meter.add('apiRequests');
    reads.meter.log('access log', 'x'.repeat(accessLog));
    const event = { rawPath: `/tokens/${connection}`, requestContext: { http: { method: 'GET' } } };
    cloud.invoke(api, event).catch(error => {
      throw error;
    });
    if (loop.now + pause < reads.until) loop.after(pause, next);
  };
  loop.at(FROM, next);
};
