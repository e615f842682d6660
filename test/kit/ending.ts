import { expect } from 'vitest';
import type { HttpReply } from '../../lib/core/provider.ts';
import { GRACE } from '../../lib/core/retirement.ts';
import { type ConnectionId, type EpochMs, type Milliseconds, secretOf } from '../../lib/core/types.ts';
import { answer, ID, testProvider, vendorWorld } from './vendor.ts';
import { PREFIX, type World } from './world.ts';

const provider = testProvider({
  revoke: (base, token) => ({ method: 'GET', url: `${base}/revoke`, headers: { token } }),
});

/** A connection at a provider that can revoke, and the revocations that the provider received. */
export const endingWorld = async () => {
  const { world, vendor } = await vendorWorld({ provider });
  const revocations: { readonly token: string; readonly url: string; readonly at: EpochMs }[] = [];
  const revoked = new Set<string>();
  let replyTo = (_token: string): HttpReply => answer('{}');
  world.vendor = request => {
    const { token } = request.headers;
    if (token === undefined) return vendor.handle(request);
    const reply = replyTo(token);
    revocations.push({ token, url: request.url, at: world.clock.now() });
    if (reply.kind === 'answer' && reply.status === 200) revoked.add(token);
    return reply;
  };
  /** Deletes a secret, and lets the grace period of its connection pass. */
  const deleteSecret = async (id: ConnectionId = ID, grace: Milliseconds = GRACE): Promise<void> => {
    await world.deleteSecret(id);
    world.clock.pass(grace);
  };
  return {
    world,
    revocations,
    /** The tokens and refresh tokens that the provider has ended. */
    revoked,
    /** Sets its answer to revocations. */
    answers: (next: typeof replyTo): void => {
      replyTo = next;
    },
    tick: () => world.tick(provider.id),
    /** Deletes a secret at once, and creates another one with its name. */
    replaceSecret: async (id: ConnectionId = ID, secret: unknown = { password: 'of another' }): Promise<void> => {
      await world.stores.secrets.erase(`${PREFIX}${secretOf(id)}`);
      await world.put(secretOf(id), secret);
    },
    deleteSecret,
    /** Deletes the secret, and lets its connection end. */
    end: async () => {
      await deleteSecret();
      await world.tick(provider.id);
    },
  };
};

export type Ending = Awaited<ReturnType<typeof endingWorld>>;

/** Nobody can read a token of the connection, and no session of it is kept. */
export const expectGone = async ({ stores }: World, id: ConnectionId): Promise<void> => {
  expect(await stores.tokens.get(id)).toBeUndefined();
  expect(await stores.sessions.get(id)).toBeUndefined();
};
