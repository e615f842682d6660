import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { HttpRequest } from '../../lib/core/provider.ts';
import { createSend } from '../../lib/http/send.ts';
import { listening, rawServer } from '../support/loopback.ts';

const sendHttp = createSend('any');

/** Longer than any of these takes, and short enough to notice one that hangs. */
const AMPLE = 3000;
const TINY = 200;

const post = (url: string, more: Partial<HttpRequest> = {}, deadline = AMPLE) =>
  sendHttp({ method: 'POST', url, headers: {}, body: 'grant_type=made-up', ...more }, deadline);
const failed = (code: string, sent: boolean) => ({ kind: 'failed', code, sent });

/** A certificate of our own for 127.0.0.1; nothing where there is no openssl to make one. */
const certificate = () => {
  const folder = mkdtempSync(join(tmpdir(), 'token-refresher-tls-'));
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const made = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=made-up`;
    const ours = ['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert];
    execFileSync('openssl', [...made.split(' '), ...ours], { stdio: 'ignore' });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
};
const made = certificate();

describe.skipIf(!made)('over TLS', () => {
  const servingTls = async (listener: RequestListener) =>
    `https://127.0.0.1:${await listening(createTlsServer({ ...made }, listener))}`;
  const trusted = () => {
    const before = tls.getCACertificates('default');
    tls.setDefaultCACertificates([...before, made?.cert ?? '']);
    onTestFinished(() => tls.setDefaultCACertificates(before));
  };

  it('a server that nobody vouches for hears nothing, whatever the environment says', async () => {
    let heard = 0;
    const url = await servingTls((_, response) => {
      heard += 1;
      response.end('{}');
    });
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(await post(url)).toEqual(failed('network', false));
    expect(heard).toBe(0);
  });

  it('a server that nobody vouches for hears nothing', async () => {
    let heard = 0;
    const url = await servingTls((_, response) => {
      heard++;
      response.end();
    });
    expect(await post(url)).toEqual(failed('network', false));
    expect(heard).toBe(0);
  });

  it('a server that speaks no TLS hears nothing', async () => {
    const heard: string[] = [];
    const port = await rawServer((socket, soFar) => {
      heard.push(soFar);
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    expect(await post(`https://127.0.0.1:${port}`)).toEqual(failed('network', false));
    expect(heard.join()).not.toContain('grant_type');
  });

  it('answers, deadlines and deaths are what they are without', async () => {
    trusted();
    const url = await servingTls((request, response) => {
      if (request.url === '/dies') request.resume().on('end', () => request.socket.destroy());
      else if (request.url !== '/silent') response.end('{"a":1}');
    });
    expect(await post(url)).toMatchObject({ kind: 'answer', status: 200, body: '{"a":1}' });
    expect(await post(`${url}/dies`)).toEqual(failed('network', true));
    expect(await post(`${url}/silent`, {}, TINY)).toEqual(failed('timeout', true));
  });
});
