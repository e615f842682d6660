import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { startIndependentProvider } from '../kit/independent-provider.ts';
import {
  type Answered,
  runLaptop,
  startLaptop,
  statusesOf,
  temporaryFolder,
  writeSecrets,
} from '../kit/laptop-process.ts';
import { itThorough } from '../kit/thorough.ts';

const TIMEOUT = 30_000;
type Independent = Awaited<ReturnType<typeof startIndependentProvider>>;

let independent: Independent;
let secrets: string;
beforeEach(async () => {
  independent = await startIndependentProvider();
  secrets = temporaryFolder();
  onTestFinished(() => independent.close());
});

/** Every name of the independent server's secrets, healthy. */
const allHealthy = (names: readonly string[]) => Object.fromEntries(names.map(name => [name, 'healthy']));
const lastOf = (connection: string) =>
  independent.issued.findLast(({ provider }) => connection.startsWith(`${provider}/`));

describe('npm start -- --secrets DIR, with providers that follow the fact sheets', { timeout: TIMEOUT }, () => {
  it('makes all six healthy and serves what each issued, with its headers, expiry and base URL', async () => {
    const names = Object.keys(independent.secrets);
    writeSecrets(secrets, independent.secrets);
    const laptop = startLaptop(['--secrets', secrets, '--port', '0']);
    await expect
      .poll(async () => statusesOf((await laptop.get('/connections')).json.connections), { timeout: TIMEOUT })
      .toEqual(allHealthy(names));
    expect(names).toHaveLength(6);
    for (const name of names) {
      const { status, json } = await laptop.get(`/tokens/${name}`);
      const issued = lastOf(name);
      if (!issued) throw new Error(`${name} was issued nothing`);
      const { accessToken, headers, baseUrl, diesAt } = issued;
      expect({ status, ...json }).toMatchObject({
        status: 200,
        connection: name,
        accessToken,
        baseUrl,
        tokenType: 'Bearer',
      });
      expect(json.headers).toEqual(headers);
      // Never later than the provider's own end of it, and hardly earlier.
      expect(Date.parse(json.expiresAt)).toBeLessThanOrEqual(diesAt);
      expect(Date.parse(json.expiresAt)).toBeGreaterThan(diesAt - 5000);
      const used = await fetch(`${json.baseUrl}/things`, { headers: json.headers });
      expect(used.status).toBe(200);
    }
    expect(independent.complaints).toEqual([]);
    // One login each; iOFFICE's in two steps.
    expect(independent.requests.toSorted()).toEqual([
      'POST /epos/authorisation/token',
      'POST /io/external/api/oauth2/auth',
      'POST /io/external/api/oauth2/token',
      'POST /petro/v1/auth/token',
      'POST /pogo1/OAuth/Token',
      'POST /pogo2/Demo/OAuth/Token',
      'POST /rnd/oauth/token',
    ]);
  });

  itThorough('renews on demand if a refresh token rotates, with exactly the one that was issued last', async () => {
    const { 'ioffice/sixth': sixth } = independent.secrets;
    writeSecrets(secrets, { 'ioffice/sixth': sixth });
    const laptop = startLaptop(['--secrets', secrets, '--port', '0']);
    const first = await laptop.get('/tokens/ioffice/sixth');
    const body = JSON.stringify({ issuedAt: first.json.issuedAt });
    const second = await laptop.get('/tokens/ioffice/sixth', { method: 'POST', body });
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.json.accessToken).not.toBe(first.json.accessToken);
    expect(second.json.accessToken).toBe(lastOf('ioffice/sixth')?.accessToken);
    expect(independent.complaints).toEqual([]);
  });

  itThorough(
    'survives kill -9 during a call to a provider: all healthy after a restart, without manual work',
    async () => {
      const names = Object.keys(independent.secrets);
      writeSecrets(secrets, independent.secrets);
      const data = temporaryFolder();
      const underway = Promise.withResolvers<void>();
      independent.holding(async line => {
        if (line !== 'POST /io/external/api/oauth2/token') return;
        underway.resolve();
        await new Promise(() => {});
      });
      const first = startLaptop(['--secrets', secrets, '--data', data, '--port', '0']);
      await underway.promise;
      first.kill('SIGKILL');
      await first.ended;
      independent.holding(async () => {});
      const args = ['--once', '--json', '--secrets', secrets, '--data', data];
      const again = await runLaptop(args, { aMinuteLater: true });
      expect(again).toMatchObject({ code: 0 });
      expect(statusesOf((JSON.parse(again.stdout) as Answered).connections)).toEqual(allHealthy(names));
    },
  );

  it('stops at once at a wrong password, and starts again when the file is changed; a deleted file retires', async () => {
    const { 'petrosoft/fifth': good, 'officernd/third': third } = independent.secrets;
    writeSecrets(secrets, {
      'petrosoft/fifth': { ...good, password: 'planted-wrong-password' },
      'officernd/third': third,
    });
    const laptop = startLaptop(['--secrets', secrets, '--port', '0', '--speed', '120']);
    const statuses = async () => statusesOf((await laptop.get('/connections')).json.connections);
    const soon = { timeout: TIMEOUT };
    await expect.poll(statuses, soon).toEqual({ 'petrosoft/fifth': 'attention', 'officernd/third': 'healthy' });
    expect(await laptop.get('/tokens/petrosoft/fifth')).toMatchObject({
      status: 503,
      json: { code: 'no_valid_token', reason: 'invalid_grant' },
    });
    expect(independent.complaints).toHaveLength(1);

    writeSecrets(secrets, { 'petrosoft/fifth': good });
    rmSync(join(secrets, 'officernd', 'third.json'));
    await expect.poll(statuses, soon).toEqual({ 'petrosoft/fifth': 'healthy' });
    expect((await laptop.get('/tokens/petrosoft/fifth')).status).toBe(200);
    // A file may be back in a moment: its token stays for the grace period.
    expect((await laptop.get('/tokens/officernd/third')).status).toBe(200);
    // The wrong password was tried once: another time could have locked the account.
    expect(independent.complaints).toHaveLength(1);
    rmSync(join(secrets, 'petrosoft', 'fifth.json'));
    await expect.poll(statuses, soon).toEqual({});
    expect(laptop.stderr()).not.toContain('planted-wrong-password');
  });

  itThorough('a file deleted between two runs that keep their state is gone in the second', async () => {
    const data = temporaryFolder();
    const { 'petrosoft/fifth': fifth, 'poweroffice-v1/first': first } = independent.secrets;
    writeSecrets(secrets, { 'petrosoft/fifth': fifth, 'poweroffice-v1/first': first });
    const args = ['--once', '--json', '--secrets', secrets, '--data', data];
    expect((await runLaptop(args)).code).toBe(0);
    rmSync(join(secrets, 'poweroffice-v1'), { recursive: true });
    const { code, stdout } = await runLaptop(args);
    expect(code).toBe(0);
    expect(statusesOf((JSON.parse(stdout) as Answered).connections)).toEqual({ 'petrosoft/fifth': 'healthy' });
  });

  itThorough(
    'real credentials take the place of the simulated ones that an earlier run left in the same folder',
    async () => {
      const data = temporaryFolder();
      expect((await runLaptop(['--once', '--data', data])).code).toBe(0);
      const { 'petrosoft/fifth': fifth } = independent.secrets;
      writeSecrets(secrets, { 'petrosoft/fifth': fifth });
      const { code, stdout } = await runLaptop(['--once', '--json', '--secrets', secrets, '--data', data]);
      expect(code).toBe(0);
      expect(statusesOf((JSON.parse(stdout) as Answered).connections)).toEqual({ 'petrosoft/fifth': 'healthy' });
    },
  );
});
