import { afterEach, expect, it } from 'vitest';
import { plus, seconds } from '../../lib/core/types.ts';
import { awsStores } from '../kit/aws.ts';
import { type EmbeddedOnPort, startEmbeddedOnPort } from '../kit/embedded.ts';
import { connectionOf, idOf, revival, START } from '../kit/records.ts';

/** A guard that nothing else would miss: found by taking it away. */

let embedded: EmbeddedOnPort | undefined;
afterEach(() => embedded?.close());

it('a connection that comes back has no trace of the withdrawn token', async () => {
  embedded = await startEmbeddedOnPort();
  const { connections } = await awsStores({ endpoint: embedded.endpoint });
  const id = idOf('acme');
  await connections.add(connectionOf(id, { issuedAt: START, expiresAt: plus(START, seconds(600)) }));
  await connections.replace(id, START);
  await connections.beginEnd(id, { at: START, dueAt: START });
  await connections.revive(id, revival(plus(START, seconds(5))));
  const record = await connections.get(id);
  expect(record).toMatchObject({ dueAt: plus(START, seconds(5)) });
  for (const gone of ['retiredAt', 'issuedAt', 'expiresAt']) expect(record).not.toHaveProperty(gone);
});
