import { RefresherError } from '../../lib/core/errors.ts';
import type { ConnectionId } from '../../lib/core/types.ts';
import type { World } from './world.ts';

/** A person deletes the record of a connection; token and session stay. */
export const deleteByHand = async ({ stores, clock }: World, id: ConnectionId): Promise<void> => {
  await stores.connections.retire(id, clock.now());
  const record = await stores.connections.get(id);
  if (record) await stores.connections.remove(id, record.version);
};

type When = 'before' | 'after';

/** Something happens at the next operation of this name. */
export const once = (world: World, when: When, operation: string, happens: () => unknown): void => {
  world.hooks[when] = async at => {
    if (at !== operation) return;
    delete world.hooks[when];
    await happens();
  };
};

/** Something happens at each operation of this name, until the hook is deleted. */
export const always = (world: World, when: When, operation: string, happens: () => unknown): void => {
  world.hooks[when] = async at => {
    if (at === operation) await happens();
  };
};

/** Throws what an adapter throws. */
const fails = (operation: string) => (): never => {
  const code = operation.startsWith('secrets.') ? 'secret_unreadable' : 'store_failed';
  throw new RefresherError(code, `the store fails at ${operation}`);
};

/** The store fails at the next operation of this name. After it, the effect is there and the answer is lost. */
export const failOnce = (world: World, when: When, operation: string): void =>
  once(world, when, operation, fails(operation));

/** The store fails at each operation of this name, until the hook is deleted. */
export const failAlways = (world: World, when: When, operation: string): void =>
  always(world, when, operation, fails(operation));

/** The process crashes at one operation: its promise never settles. Resolves once it is there. */
export const dieAt = (world: World, when: When, operation: string): Promise<'died'> =>
  new Promise(died => {
    world.hooks[when] = at => {
      if (at !== operation) return Promise.resolve();
      delete world.hooks[when];
      died('died');
      return new Promise(() => {});
    };
  });

/** Lets a process crash at one operation of its work. Rejects if the work ends without that operation. */
export const crashAt = async (
  world: World,
  when: When,
  operation: string,
  work: () => Promise<unknown>,
): Promise<void> => {
  const died = dieAt(world, when, operation);
  const ended = await Promise.race([died, work()]);
  if (ended !== 'died') throw new Error(`the work ended before ${operation}`);
};

/** Counts the provider calls in progress. Returns a function with the most of them at a time. */
export const mostCallsAtOnce = (world: World): (() => number) => {
  let under = 0;
  let most = 0;
  always(world, 'before', 'send', () => {
    under += 1;
    most = Math.max(most, under);
  });
  always(world, 'after', 'send', () => {
    under -= 1;
  });
  return () => most;
};
