import { once } from 'node:events';
import { createEmbedded, type EmbeddedOptions } from '../../local/aws/embedded.ts';

export interface EmbeddedOnPort {
  readonly endpoint: string;
  close(): Promise<void>;
}

/** The embedded AWS on a port of loopback, for tests whose clients are other processes or go through a proxy. */
export const startEmbeddedOnPort = async (options: EmbeddedOptions = {}): Promise<EmbeddedOnPort> => {
  const { server, close } = await createEmbedded(options);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return { endpoint: `http://127.0.0.1:${address.port}`, close };
};
