import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type DeployedFunction, invoke } from './bundle.ts';

const read = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
};

/** Lambda's Invoke for the deployed functions: the one operation that moto does not do without Docker. */
export const startLambda = async (
  functions: ReadonlyMap<string, DeployedFunction>,
  aws: Readonly<Record<string, string>>,
): Promise<{ readonly url: string; close(): void }> => {
  const server = createServer(async (request, response) => {
    const [, name = ''] = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(request.url ?? '') ?? [];
    const fn = functions.get(decodeURIComponent(name));
    if (!fn) return void response.writeHead(404).end('{"Message":"no such function"}');
    const { result } = await invoke(fn, JSON.parse(await read(request)), aws);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => void server.close() };
};
