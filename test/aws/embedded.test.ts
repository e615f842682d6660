import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { awsStores } from '../kit/aws.ts';
import { startEmbeddedOnPort } from '../kit/embedded.ts';
import { connectionOf, idOf, tokenFor } from '../kit/records.ts';

const script = join(import.meta.dirname, '../kit/embedded-process.ts');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'embedded-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Another process that serves the folder. */
const startProcess = async () => {
  const child = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [endpoint] = await once(createInterface(child.stdout), 'line');
  return {
    endpoint: String(endpoint),
    kill: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
};

describe('the embedded AWS in a folder', () => {
  it('has everything that was written when its process was killed', async () => {
    const killed = await startProcess();
    const before = await awsStores({ endpoint: killed.endpoint });
    const tokens = Array.from({ length: 20 }, (_, n) => tokenFor(idOf(`connection-${n}`)));
    await Promise.all(tokens.map(token => before.tokens.publish(token)));
    await before.connections.add(connectionOf(idOf('acme')));
    await before.secrets.put('token-refresher/test-provider/acme', 'text');
    await killed.kill();

    const embedded = await startEmbeddedOnPort({ folder });
    const after = await awsStores({ endpoint: embedded.endpoint });
    for (const token of tokens) expect(await after.tokens.get(token.connection)).toEqual(token);
    expect(await after.connections.get(idOf('acme'))).toEqual(connectionOf(idOf('acme')));
    expect((await after.secrets.get('token-refresher/test-provider/acme'))?.text).toBe('text');
    await embedded.close();
  });

  it('belongs to one process at a time', async () => {
    const other = await startProcess();
    await expect(startEmbeddedOnPort({ folder })).rejects.toThrow(/is in use by process \d+/);
    await other.kill();
    await (await startEmbeddedOnPort({ folder })).close();
  });
});

describe('a request that no SDK would send', () => {
  const statusOf = async (headers: Record<string, string>, body = '{}'): Promise<number | undefined> => {
    const embedded = await startEmbeddedOnPort();
    const sent = request(embedded.endpoint, { method: 'POST', headers }).end(body);
    const [answer] = await once(sent, 'response');
    answer.resume();
    await embedded.close();
    return answer.statusCode;
  };
  const target = { 'x-amz-target': 'secretsmanager.ListSecrets' };

  it.each([
    ['comes from a page', { ...target, origin: 'http://127.0.0.1' }, 403],
    ['was sent to another name', { ...target, host: 'rebound.example.com' }, 403],
    ['names no service', {}, 400],
    ['names another service', { 'x-amz-target': 'AmazonSSM.GetParameter' }, 400],
    ['names an operation that is not there', { 'x-amz-target': 'secretsmanager.RotateSecret' }, 400],
  ])('is refused if it %s', async (_, headers, status) => {
    expect(await statusOf(headers)).toBe(status);
  });

  it('is refused if it is not JSON', async () => {
    expect(await statusOf(target, '{')).toBe(400);
  });

  it('is answered if it comes from an SDK', async () => {
    expect(await statusOf(target)).toBe(200);
  });
});
