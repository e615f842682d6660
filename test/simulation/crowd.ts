import { minutes, plus } from '../../lib/core/types.ts';
import { powerofficeV2 } from '../../lib/providers/poweroffice-v2.ts';
import { START } from './network.ts';
import { type Outcome, Run } from './run.ts';

export const CONNECTIONS = 10_000;

/**
 * Nothing goes wrong, but all connections share one application key of PowerOffice v2, and so its ten calls a second:
 * their renewals alone need more than eight of them.
 */
export const crowd = (): Promise<Outcome> =>
  new Run(1, {
    providers: [powerofficeV2],
    connections: CONNECTIONS,
    browser: false,
    troubles: [],
    calmFrom: plus(START, minutes(30)),
    end: plus(START, minutes(60)),
    readEvery: minutes(0.5),
    maxSkew: 0,
    secretsChange: false,
    sessionsEnd: false,
    edits: false,
    rests: false,
    neighbour: false,
    packed: true,
    schedules: 1,
    lag: 0,
    travel: 50,
  }).run();
