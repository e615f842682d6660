import { describe, expect, it, onTestFinished } from 'vitest';
import { epochMs } from '../../lib/core/types.ts';
import { providers } from '../../lib/providers/index.ts';
import { type SimulatedAccount, simulatedAccount } from '../../local/simulators/accounts.ts';
import { madeUpAccount } from '../../local/simulators/generic/made-up.ts';
import { startSimulators } from '../../local/simulators/server.ts';
import { checked, writtenFile } from './provider-command.ts';
import { strangeFiles, strangeProviders } from './strange-definitions.ts';

describe('at the simulators', () => {
  const started = async (accounts: readonly SimulatedAccount[]) => {
    const world = { now: () => epochMs(Date.now()), scale: 1, random: () => 0.5 };
    const simulators = await startSimulators({ ...world, accounts, defined: strangeProviders });
    onTestFinished(() => simulators.close());
    return simulators.url;
  };
  const expectGranted = async (file: string, { provider, fields }: SimulatedAccount, url: string) => {
    const secret = writtenFile('secret.json', { ...fields, baseUrl: `${url}/${provider}` });
    const { code, out, problems } = await checked(file, '--secret', secret);
    expect({ provider, code, problems }).toEqual({ provider, code: 0, problems: '' });
    for (const value of Object.values(fields).filter(each => /made-up-|feed|PRIVATE/.test(each))) {
      expect(out).not.toContain(value);
      expect(out).not.toContain(encodeURIComponent(value));
    }
    expect(out).not.toMatch(/eyJ|made-up-(client-secret|password|subscription)/);
  };

  it('works for the built-in definitions', async () => {
    const accounts = providers.map(({ id }) => simulatedAccount(id, 'acme'));
    const url = await started(accounts);
    for (const account of accounts)
      await expectGranted(`lib/providers/${account.provider}/definition.json`, account, url);
  });

  it('works for strange ones', async () => {
    const accounts = strangeProviders.map(each => madeUpAccount(each, 'acme'));
    const url = await started(accounts);
    for (const [n, account] of accounts.entries()) {
      await expectGranted(writtenFile(`${account.provider}.json`, strangeFiles[n]), account, url);
    }
  });
});
