import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** Shared by all processes of the fault tests: receives the configuration, and reports the process's address. */

/** The parent's configuration, in the form that both processes use. */
export const configuration = <C>(): C => JSON.parse(process.argv[2] ?? '{}') as C;

export const ready = (url: string): void => {
  // If the parent dies in any way, this process ends too.
  process.once('disconnect', () => process.exit());
  process.send?.({ url });
};

/** Answers each POST of JSON with JSON, as Lambda's invocations do. */
export const serveJson = (handle: (event: unknown) => Promise<unknown>): void => {
  const server = createServer((request, response) => {
    json(request)
      .then(handle)
      .then(
        answer => response.writeHead(200).end(JSON.stringify(answer ?? null)),
        // Only the name: an error's message may quote an answer.
        (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.name : 'unknown'),
      );
  });
  server.listen(0, '127.0.0.1', () => ready(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
};
