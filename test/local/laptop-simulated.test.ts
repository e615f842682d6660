import { describe, expect, it } from 'vitest';
import { providerIds } from '../../lib/providers/index.ts';
import { startEmbeddedOnPort } from '../kit/embedded.ts';
import { type ListedConnection, runLaptop, startLaptop, temporaryFolder } from '../kit/laptop-process.ts';
import { itThorough } from '../kit/thorough.ts';

const TIMEOUT = 30_000;

const linesOf = (stdout: string): readonly ListedConnection[] => JSON.parse(stdout).connections;
const statuses = (lines: readonly ListedConnection[]) => new Set(lines.map(({ status }) => status));

describe('npm start -- --once', { timeout: TIMEOUT }, () => {
  it('--json ends with 0, nine or more connections over all six providers, all healthy', async () => {
    const { code, stdout, stderr } = await runLaptop(['--once', '--json']);
    expect(stderr).toContain('are healthy');
    expect(code).toBe(0);
    const lines = linesOf(stdout);
    expect(lines.length).toBeGreaterThanOrEqual(9);
    expect(statuses(lines)).toEqual(new Set(['healthy']));
    expect(new Set(lines.map(({ connection }) => connection.split('/')[0]))).toEqual(new Set(providerIds));
    for (const { expiresAt } of lines) expect(Date.parse(expiresAt)).toBeGreaterThan(Date.now());
    // Never a token: the longest run of characters without a break is a name or a moment.
    expect(stdout).not.toMatch(/[A-Za-z0-9_-]{41,}/);
  });

  itThorough('prints a table without --json, and no token anywhere', async () => {
    const { code, stdout, stderr } = await runLaptop(['--once']);
    expect(code).toBe(0);
    const [header, ...rows] = stdout.trim().split('\n');
    expect(header).toMatch(/^CONNECTION +STATUS +LIFE +LEFT +REFRESHED +NEXT +LAST ERROR$/);
    expect(rows.length).toBeGreaterThanOrEqual(9);
    for (const row of rows) expect(row).toMatch(/^[a-z0-9-]+\/\S+ +healthy +█+ +\d+[hms]\S* +\d+s ago +in /);
    expect(stdout + stderr).not.toMatch(/eyJ|made-up-|Bearer/);
  });

  itThorough('--endpoint uses another AWS, and leaves there what it found out', async () => {
    const other = await startEmbeddedOnPort();
    try {
      const first = await runLaptop(['--once', '--json', '--endpoint', other.endpoint]);
      expect(first).toMatchObject({ code: 0, stderr: expect.stringContaining(`AWS: ${other.endpoint}`) });
      const second = await runLaptop(['--once', '--json', '--endpoint', other.endpoint]);
      expect(second.code).toBe(0);
      expect(linesOf(second.stdout).map(({ connection }) => connection)).toEqual(
        linesOf(first.stdout).map(({ connection }) => connection),
      );
    } finally {
      await other.close();
    }
  });
});

describe('npm start', { timeout: TIMEOUT }, () => {
  it('serves tokens that the providers’ APIs accept, with several connections in one secret, until a signal ends it', async () => {
    const laptop = startLaptop(['--port', '0']);
    await expect
      .poll(async () => statuses((await laptop.get('/connections')).json.connections), { timeout: TIMEOUT })
      .toEqual(new Set(['healthy']));
    const { json } = await laptop.get('/connections');
    for (const { connection } of json.connections) {
      const token = await laptop.get(`/tokens/${connection}`);
      expect(token).toMatchObject({ status: 200, json: { connection } });
      expect(token.headers.get('cache-control')).toBe('no-store');
      const used = await fetch(`${token.json.baseUrl}/anything`, { headers: token.json.headers });
      expect(used.status).toBe(200);
    }
    const oslo = await laptop.get('/tokens/poweroffice-v2/nordic-books/oslo');
    const bergen = await laptop.get('/tokens/poweroffice-v2/nordic-books/bergen');
    expect(oslo.json.accessToken).not.toBe(bergen.json.accessToken);
    const force = (issuedAt: string) =>
      laptop.get('/tokens/poweroffice-v2/nordic-books/oslo', { method: 'POST', body: JSON.stringify({ issuedAt }) });
    const renewed = await force(oslo.json.issuedAt);
    expect(renewed.status).toBe(200);
    expect(renewed.json.accessToken).not.toBe(oslo.json.accessToken);
    expect((await force(oslo.json.issuedAt)).json.accessToken).toBe(renewed.json.accessToken);
    expect((await force(renewed.json.issuedAt)).status).toBe(429);
    expect((await laptop.get('/tokens/poweroffice-v2/nobody')).status).toBe(404);
    laptop.kill('SIGTERM');
    expect((await laptop.ended).code).toBe(0);
  });

  itThorough('ends at once on a signal while it waits for a killed predecessor’s lease', async () => {
    const data = temporaryFolder();
    const first = startLaptop(['--port', '0', '--data', data]);
    await first.logged(/ {2}refreshed/);
    first.kill('SIGKILL');
    await first.ended;
    const second = startLaptop(['--port', '0', '--data', data]);
    await second.logged(/waiting \d+ s for/);
    second.kill('SIGTERM');
    expect(await second.ended).toMatchObject({ code: 0 });
  });
});

describe('npm start -- --data', { timeout: TIMEOUT }, () => {
  it('keeps tokens over a restart', async () => {
    const data = temporaryFolder();
    const first = await runLaptop(['--once', '--json', '--data', data]);
    expect(first.code).toBe(0);
    const laptop = startLaptop(['--port', '0', '--data', data]);
    const before = linesOf(first.stdout);
    for (const { connection, issuedAt, expiresAt } of before) {
      const token = await laptop.get(`/tokens/${connection}`);
      expect(token).toMatchObject({ status: 200, json: { issuedAt, expiresAt } });
      const used = await fetch(`${token.json.baseUrl}/anything`, { headers: token.json.headers });
      expect(used.status).toBe(200);
    }
    expect(laptop.stderr()).not.toContain('refreshed');
  });

  itThorough(
    'survives kill -9 in the middle of the first refreshes: all healthy after a restart, without a hand',
    async () => {
      const data = temporaryFolder();
      const first = startLaptop(['--port', '0', '--data', data]);
      await first.logged(/ {2}refreshed/);
      first.kill('SIGKILL');
      const { stderr } = await first.ended;
      const done = stderr.match(/ {2}refreshed/g)?.length ?? 0;
      const again = await runLaptop(['--once', '--json', '--data', data], { aMinuteLater: true });
      expect(again.code).toBe(0);
      const lines = linesOf(again.stdout);
      expect(lines.length).toBeGreaterThan(done);
      expect(statuses(lines)).toEqual(new Set(['healthy']));
    },
  );
});
