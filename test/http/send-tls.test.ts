import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls, { type SecureVersion } from 'node:tls';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { HttpRequest } from '../../lib/core/provider.ts';
import { createSend } from '../../lib/http/send.ts';
import { listening, rawServer } from '../kit/loopback.ts';

const sendHttp = createSend('any');

/** Longer than any of these takes, and short enough to notice one that hangs. */
const AMPLE = 3000;
const TINY = 200;

const post = (url: string, more: Partial<HttpRequest> = {}, deadline = AMPLE) =>
  sendHttp({ method: 'POST', url, headers: {}, body: 'grant_type=made-up', ...more }, deadline);
const failed = (code: string, sent: boolean) => ({ kind: 'failed', code, sent });

/** Our own certificate; undefined without openssl. */
const certificate = (names: string) => {
  const folder = mkdtempSync(join(tmpdir(), 'token-refresher-tls-'));
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const made = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=made-up`;
    const ours = ['-addext', `subjectAltName=${names}`, '-keyout', key, '-out', cert];
    execFileSync('openssl', [...made.split(' '), ...ours], { stdio: 'ignore' });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
};
const made = certificate('IP:127.0.0.1');
const ofAnother = certificate('DNS:localhost.test,IP:127.0.0.2');

describe.skipIf(!made)('over TLS', () => {
  const servingTls = async (listener: RequestListener, own = made) =>
    `https://127.0.0.1:${await listening(createTlsServer({ ...own }, listener))}`;
  const trusted = (own = made) => {
    const before = tls.getCACertificates('default');
    tls.setDefaultCACertificates([...before, own?.cert ?? '']);
    onTestFinished(() => tls.setDefaultCACertificates(before));
  };

  it('a server with an untrusted certificate receives nothing, even if the environment disables verification', async () => {
    let received = 0;
    const url = await servingTls((_, response) => {
      received += 1;
      response.end('{}');
    });
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    expect(await post(url)).toEqual(failed('network', false));
    expect(received).toBe(0);
  });

  it('a server with an untrusted certificate receives nothing', async () => {
    let received = 0;
    const url = await servingTls((_, response) => {
      received++;
      response.end();
    });
    expect(await post(url)).toEqual(failed('network', false));
    expect(received).toBe(0);
  });

  it.each(['1', '0'])('a server with a certificate for another name receives nothing (%s)', async environment => {
    trusted(ofAnother);
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', environment);
    let received = 0;
    const url = await servingTls((_, response) => {
      received += 1;
      response.end('{}');
    }, ofAnother);
    expect(await post(url)).toEqual(failed('network', false));
    expect(received).toBe(0);
  });

  it('a server without TLS receives nothing', async () => {
    const received: string[] = [];
    const port = await rawServer((socket, soFar) => {
      received.push(soFar);
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    expect(await post(`https://127.0.0.1:${port}`)).toEqual(failed('network', false));
    expect(received.join()).not.toContain('grant_type');
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

  /** What a server receives from a process with that environment, if it sends with `send`, or with node's own client. */
  const inAnotherProcess = async (url: string, env: Readonly<Record<string, string>>, client: 'send' | 'node') => {
    const module = new URL('../../lib/http/send.ts', import.meta.url);
    const script = {
      send: `const { createSend } = await import('${module}');
        console.log((await createSend('any')({ method: 'POST', url: '${url}', headers: {} }, 3000)).kind);`,
      node: `require('node:https').get('${url}', answer => { answer.resume(); console.log('answer'); })
        .on('error', () => console.log('failed'));`,
    }[client];
    const type = client === 'send' ? 'module' : 'commonjs';
    const args = [`--input-type=${type}`, '--no-warnings', '--eval', script];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } });
    return stdout.trim();
  };

  it('a process whose environment turns verification off still verifies', async () => {
    const received: unknown[] = [];
    const url = await servingTls((request, response) => {
      received.push(request.url);
      response.end('{}');
    });
    const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0' };
    expect(await inAnotherProcess(`${url}/node`, env, 'node')).toBe('answer');
    expect(await inAnotherProcess(`${url}/send`, env, 'send')).toBe('failed');
    expect(received).toEqual(['/node']);
  });

  it('TLS before 1.2 is not spoken, even if the environment allows it', async () => {
    const received: unknown[] = [];
    const old: SecureVersion = 'TLSv1.1';
    const server = createTlsServer(
      { ...made, minVersion: old, maxVersion: old, ciphers: 'DEFAULT@SECLEVEL=0' },
      (request, response) => {
        received.push(request.url);
        response.end('{}');
      },
    );
    const url = `https://127.0.0.1:${await listening(server)}`;
    const folder = mkdtempSync(join(tmpdir(), 'token-refresher-ca-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const NODE_EXTRA_CA_CERTS = join(folder, 'cert.pem');
    writeFileSync(NODE_EXTRA_CA_CERTS, made?.cert ?? '');
    const env = { NODE_OPTIONS: '--tls-min-v1.0 --tls-cipher-list=DEFAULT@SECLEVEL=0', NODE_EXTRA_CA_CERTS };
    expect(await inAnotherProcess(`${url}/node`, env, 'node')).toBe('answer');
    expect(await inAnotherProcess(`${url}/send`, env, 'send')).toBe('failed');
    expect(received).toEqual(['/node']);
  });
});
