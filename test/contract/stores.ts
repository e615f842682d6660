import { afterAll, beforeAll, describe, it } from 'vitest';
import type { ConnectionId } from '../../lib/core/types.ts';
import type { Stores } from '../kit/memory.ts';
import { idOf } from '../kit/records.ts';
import { describeConnections } from './connections.ts';
import { describeLimits } from './limits.ts';
import { describeLogins } from './logins.ts';
import { describePages } from './pages.ts';
import { describeRetirement } from './retirement.ts';
import { describeSecrets } from './secrets.ts';
import { describeSessions } from './sessions.ts';
import { describeTokens } from './tokens.ts';
import { describeWaiters } from './waiters.ts';

/** A name that no other test has. */
export type Fresh = () => ConnectionId;
/** `it`, for a test of many writers at one moment. */
export type AtOnce = typeof it | typeof it.skip;

export interface OpenStores {
  readonly stores: Stores;
  close(): Promise<void>;
}

export interface Abilities {
  /** Whether a condition and its write are one step: of many simultaneous writers one wins. */
  readonly atomic: boolean;
}

/** What every implementation of the stores has to keep to: one suite, run over each of them. */
export const describeStores = (
  name: string,
  open: () => Promise<OpenStores>,
  { atomic }: Abilities = { atomic: true },
) =>
  describe(name, () => {
    const atOnce = it.runIf(atomic);
    let opened: OpenStores | undefined;
    let names = 0;
    const fresh: Fresh = () => {
      names += 1;
      return idOf(`connection-${String(names).padStart(3, '0')}`);
    };
    const stores = (): Stores => {
      if (!opened) throw new Error('the stores are not open');
      return opened.stores;
    };
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened?.close());

    describeTokens(() => stores().tokens, fresh, atOnce);
    describeConnections(() => stores().connections, fresh, atOnce);
    describe('a connection that is retired', () => describeRetirement(() => stores().connections, fresh));
    describeLimits(() => stores().limits, fresh, atOnce);
    describeLogins(() => stores().logins, fresh, atOnce);
    describeSessions(() => stores().sessions, fresh);
    describePages(() => stores().connections);
    describeWaiters(() => stores().connections, fresh, atOnce);
    describeSecrets(() => stores().secrets, fresh);
  });
