import { signAssertion } from '../../lib/http/sign.ts';
import type { LimitStore, LoginStore, SecretSource } from '../../lib/ports.ts';
import { CredentialCache } from '../../lib/refresh/credentials.ts';
import { Fingerprints } from '../../lib/refresh/fingerprints.ts';
import { Logins } from '../../lib/refresh/logins.ts';
import { leasingRateLimiter } from '../../lib/refresh/rate-limiter.ts';
import type { SweepDeps } from '../../lib/refresh/sweep.ts';

export const PREFIX = 'token-refresher/';

type Given = Pick<
  SweepDeps,
  'clock' | 'policy' | 'random' | 'claimId' | 'send' | 'tokens' | 'connections' | 'sessions'
>;

export interface WorkerParts extends Given {
  readonly limits: LimitStore;
  readonly logins: LoginStore;
  readonly secrets: SecretSource;
  readonly observer?: Partial<SweepDeps['observer']>;
}

/** A process that refreshes: the real parts over these stores, with no memory in common with another one. */
export const workerOf = ({ limits, logins, secrets, observer, ...given }: WorkerParts): SweepDeps => {
  const { clock, policy, claimId } = given;
  const ignored = () => {};
  return {
    ...given,
    limiter: leasingRateLimiter(limits, clock),
    logins: new Logins({ clock, store: logins, policy, tryId: claimId }),
    credentials: new CredentialCache(secrets, new Fingerprints(logins, claimId), PREFIX),
    sign: signAssertion,
    observer: {
      ...{ refresh: ignored, unclaimed: ignored, retired: ignored, outOfTime: ignored, sweep: ignored },
      ...observer,
    },
  };
};
