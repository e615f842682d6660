import { minutes, plus } from '../../lib/core/types.ts';
import { builtIn } from '../../lib/providers/index.ts';
import { SIMULATION_START } from './network.ts';
import { type SeedOutcome, SeedRun } from './run.ts';
import { CALM } from './scenario.ts';

const powerofficeV2 = builtIn('poweroffice-v2');

export const CONNECTIONS = 10_000;

/**
 * Nothing goes wrong, but all connections share one application key of PowerOffice v2, and therefore its ten calls a
 * second. Their renewals alone need more than eight of them.
 */
export const crowd = (): Promise<SeedOutcome> =>
  new SeedRun(1, {
    ...CALM,
    providers: [powerofficeV2],
    connections: CONNECTIONS,
    calmFrom: plus(SIMULATION_START, minutes(30)),
    end: plus(SIMULATION_START, minutes(60)),
    readEvery: minutes(0.5),
    packed: true,
    travel: 50,
  }).run();
