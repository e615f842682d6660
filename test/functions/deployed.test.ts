import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { describe, expect, it, vi } from 'vitest';
import { capturedOutput, deployed, startProvider } from '../kit/deployed.ts';

const TIMEOUT = 30_000;
const PLANTED = 'planted-credential-5c1e';

/** Grants a token of the login's name; to `echo…` it echoes all it was sent, as an error. */
const petrosoftProvider = () =>
  startProvider(body => {
    const { login = '' } = JSON.parse(body) as { login?: string };
    if (login.startsWith('echo'))
      return [500, JSON.stringify({ success: false, message: `Token: ${body}`, data: [body] })];
    const token = {
      access_token: `${PLANTED}-token-of-${login}`,
      refresh_token: `${PLANTED}-refresh`,
      expires_in: 86_400,
    };
    return [200, JSON.stringify({ ...token, token_type: 'bearer' })];
  });

const setUp = async (logins: readonly string[]) => {
  const baseUrl = await petrosoftProvider();
  const functions = await deployed('petrosoft');
  for (const login of logins) {
    const SecretString = JSON.stringify({ login, password: `${PLANTED}-password`, baseUrl });
    await functions.secrets.send(new CreateSecretCommand({ Name: `token-refresher/petrosoft/${login}`, SecretString }));
  }
  return functions;
};
const forcedOf = (issuedAt: number) => ({
  request: { kind: 'force', connection: 'petrosoft/acme', issuedAt, waits: true },
});
const emfOf = (output: string) =>
  output
    .split('\n')
    .filter(line => line.includes('"_aws"'))
    .map(line => JSON.parse(line) as Record<string, unknown> & { _aws: { CloudWatchMetrics: EmfMetric[] } });
interface EmfMetric {
  readonly Namespace: string;
  readonly Dimensions: readonly (readonly string[])[];
  readonly Metrics: readonly { readonly Name: string }[];
}

describe('the functions as they are deployed', { timeout: TIMEOUT }, () => {
  it('find a secret, refresh its connection and serve its token', async () => {
    capturedOutput();
    const { discover, tick, get, refresh } = await setUp(['acme']);
    expect(await get('/tokens/petrosoft/acme')).toMatchObject({ statusCode: 404 });
    expect(await discover()).toMatchObject({ secrets: 1, added: ['petrosoft/acme'], problems: [] });
    expect(await tick()).toMatchObject({ provider: 'petrosoft', connections: 1, due: 1, calls: 1 });
    const { statusCode, body } = await get('/tokens/petrosoft/acme');
    expect([statusCode, JSON.parse(body)]).toMatchObject([200, { accessToken: `${PLANTED}-token-of-acme` }]);
    expect(await refresh(forcedOf(Date.parse(JSON.parse(body).issuedAt)))).toMatchObject({
      result: 'refreshed',
    });
  });

  it('write neither credential nor token nor a provider’s words, whatever happens', async () => {
    const output = capturedOutput();
    const { discover, tick, get, refresh } = await setUp(['acme', 'echo-1']);
    await discover();
    await tick();
    await get('/tokens/petrosoft/acme');
    await get('/tokens/petrosoft/echo-1');
    await get('/connections');
    await refresh(forcedOf(0));
    await expect(refresh({ shards: ['x'], [PLANTED]: PLANTED })).rejects.toThrow();
    const written = output();
    expect(written).toContain('petrosoft/echo-1');
    expect(written).toContain('provider_error');
    for (const secret of [PLANTED, 'planted-aws-secret', 'Token: ']) expect(written).not.toContain(secret);
  });

  it('write nothing for unknown names, even for many of them', async () => {
    const output = capturedOutput();
    const { discover, get } = await setUp(['acme']);
    await discover();
    const before = output();
    for (let n = 0; n < 100; n++) {
      expect(await get(`/tokens/petrosoft/bad-${n}`)).toMatchObject({ statusCode: 404 });
      expect(await get(`/tokens/petrosoft/acme/bad-${n}`)).toMatchObject({ statusCode: 404 });
      expect(await get(`/tokens/nobody-${n}/acme`)).toMatchObject({ statusCode: 404 });
      expect(await get(`/tokens/petrosoft/bad-${n}/`)).toMatchObject({ statusCode: 404 });
    }
    expect(output()).toBe(before);
  });

  it('have the same few metrics for any number of connections, and none with the name of a connection', async () => {
    const measured = async (logins: readonly string[]) => {
      const output = capturedOutput();
      const { discover, tick } = await setUp(logins);
      await discover();
      await tick();
      const lines = emfOf(output());
      vi.restoreAllMocks();
      expect(JSON.stringify(lines)).not.toContain('acme-');
      return lines.flatMap(({ _aws: { CloudWatchMetrics } }) =>
        CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
          Metrics.map(({ Name }) => `${Namespace} ${Dimensions.join()} ${Name}`),
        ),
      );
    };
    const many = Array.from({ length: 40 }, (_, n) => `acme-${n}`);
    const few = new Set(await measured(['acme-0', 'acme-1']));
    expect(few.size).toBeGreaterThan(3);
    expect(few.size).toBeLessThan(20);
    expect(new Set(await measured(many))).toEqual(few);
  });

  it.each([
    ['refresh', 'PROVIDER', 'petro'],
    ['refresh', 'TOKENS_TABLE', undefined],
    ['watch', 'PACES', undefined],
    ['api', 'REFRESHERS', 'no JSON'],
  ] as const)('%s does not start with %s=%s, and says so', async (name, variable, value) => {
    await deployed('petrosoft');
    vi.stubEnv(variable, value);
    vi.resetModules();
    await expect(import(`../../functions/${name}/index.ts`)).rejects.toThrow(variable);
  });
});
