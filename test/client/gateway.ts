import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Laptop } from '../../local/laptop.ts';
import { listening } from '../kit/loopback.ts';
import { credentials } from './product.ts';

/** The SDK's own signer takes a hash in this form. */
class Sha256 {
  readonly #hash;
  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
    const bytes = key instanceof ArrayBuffer ? new Uint8Array(key) : key;
    this.#hash = bytes === undefined ? createHash('sha256') : createHmac('sha256', bytes as string | Uint8Array);
  }
  update(data: string | Uint8Array): void {
    this.#hash.update(data);
  }
  async digest(): Promise<Uint8Array> {
    return new Uint8Array(this.#hash.digest());
  }
  reset(): void {}
}

/** Whether a request has the signature that the SDK's signer gives it. */
const isSigned = async ({ method = '', url = '', headers }: IncomingMessage, body: string, region: string) => {
  const { host = '', authorization = '' } = headers;
  const { pathname, searchParams } = new URL(url, `http://${host}`);
  const names = /SignedHeaders=([^,]+)/.exec(authorization)?.[1]?.split(';') ?? [];
  const signer = new SignatureV4({ credentials, region, service: 'execute-api', sha256: Sha256, applyChecksum: false });
  const own = Object.fromEntries(names.map(name => [name, String(headers[name])]));
  const iso = String(headers['x-amz-date']).replace(/^(....)(..)(..T..)(..)(..)/, '$1-$2-$3:$4:$5');
  const request = { method, path: pathname, query: Object.fromEntries(searchParams), headers: own, body };
  const target = { ...request, protocol: 'http:', hostname: host };
  const signed = await signer.sign(target, { signingDate: new Date(iso) });
  return signed.headers.authorization === authorization;
};

export interface GatewayOptions {
  readonly api: Laptop['api'];
  readonly region: string;
  /** What the policies of the caller allow: `GET /tokens/officernd/acme`. */
  readonly allows: (route: string) => boolean;
}

/** API Gateway in front of the product's API: checks signatures and policies, and answers 403 by itself. */
export const startGateway = async ({ api, region, allows }: GatewayOptions) => {
  const routes: string[] = [];
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await text(request);
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://host');
    const route = `${request.method} ${pathname}`;
    routes.push(route);
    if (!(await isSigned(request, body, region)) || !allows(route)) {
      response.writeHead(403, { 'content-type': 'application/json' }).end('{"message":"Forbidden"}');
      return;
    }
    const answer = await api({
      rawPath: pathname,
      queryStringParameters: Object.fromEntries(searchParams),
      requestContext: { http: { method: request.method ?? '' } },
      ...(body && { body }),
    });
    response.writeHead(answer.statusCode ?? 500, answer.headers as Record<string, string>).end(answer.body);
  };
  const server = createServer((request, response) => void serve(request, response).catch(() => response.destroy()));
  return { url: `http://127.0.0.1:${await listening(server)}`, routes };
};
