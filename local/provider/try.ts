import {
  type Exchange,
  type Failed,
  type Granted,
  interpret,
  interpretFirstStep,
  type Outcome,
} from '../../lib/core/interpret.ts';
import { isTooShort } from '../../lib/core/lifetime.ts';
import { callDeadlineOf, defaultPolicy, tickOf } from '../../lib/core/policy.ts';
import type { Account, Grant, HttpRequest } from '../../lib/core/provider.ts';
import { epochMs, type Milliseconds } from '../../lib/core/types.ts';
import type { DefinedProvider } from '../../lib/definition/provider.ts';
import { createSend } from '../../lib/http/send.ts';
import { signAssertion } from '../../lib/http/sign.ts';
import { shortDuration } from '../table.ts';
import { adviceOn, warningWords } from './words.ts';

export interface Output {
  say(line: string): void;
  /** Hides a value in all later lines. */
  alsoHide(name: string, value: string | undefined): void;
  /** A text from an answer, with all secrets removed, even short ones. */
  hideAll(text: string): string;
}

/** Logs in once at the provider itself, and then refreshes. Returns whether all of it worked. */
export const attempt = async (provider: DefinedProvider, account: Account, output: Output): Promise<boolean> => {
  const { say } = output;
  const { redeem, renewWithin } = provider.definition;
  const tick = tickOf(provider);
  if (account.oneTimeCode !== undefined) {
    say(
      `"${redeem?.field}" works only once, and its session would be lost here. The secret is well-formed; nothing was tried.`,
    );
    return true;
  }
  const { step, outcome } = await logIn(provider, account);
  const login = hidden(outcome, output);
  say(`Login${step}: ${wordsOf(login)}`);
  if (login.kind !== 'granted') return false;
  for (const line of factsOf(login, output, tick)) say(`  ${line}`);
  if (!account.refresh) return true;
  if (login.refreshToken === undefined) {
    say('Refresh: not tried, since the answer has no refresh token. Each renewal is a login.');
    return true;
  }
  if (renewWithin !== undefined) {
    say(`Refresh: not tried, since the provider allows it only in the last ${shortDuration(renewWithin)} of a token.`);
    return true;
  }
  const refresh = hidden(await refreshWith(provider, account, login.refreshToken), output);
  say(`Refresh: ${wordsOf(refresh)}`);
  if (refresh.kind !== 'granted') return false;
  for (const line of factsOf(refresh, output, tick)) say(`  ${line}`);
  return true;
};

const hidden = (outcome: Outcome, { alsoHide }: Output): Outcome => {
  if (outcome.kind !== 'granted') return outcome;
  alsoHide('token', outcome.accessToken);
  alsoHide('refreshToken', outcome.refreshToken);
  return outcome;
};

/** A request exactly as the product sends it, without retries. */
const prepared = async (provider: DefinedProvider, account: Account, grant: Grant) => {
  const sentAt = epochMs(Date.now());
  const assertion = account.assertion && (await signAssertion(account.assertion, sentAt));
  const exchange: Exchange = { provider, account, grant, sentAt, assertion };
  const send = (request: HttpRequest) => createSend('any')(request, callDeadlineOf(defaultPolicy, provider));
  return { exchange, send };
};

interface LoggedIn {
  /** The step that ended the login, if there are two. */
  readonly step: '' | ', first step' | ', second step';
  readonly outcome: Outcome;
}

const logIn = async (provider: DefinedProvider, account: Account): Promise<LoggedIn> => {
  const { exchange, send } = await prepared(provider, account, 'login');
  const reply = await send(account.logIn(exchange.assertion));
  if (!account.exchange) return { step: '', outcome: interpret(exchange, reply) };
  const first = interpretFirstStep(exchange, reply);
  if (first.kind !== 'next') return { step: ', first step', outcome: first };
  return { step: ', second step', outcome: interpret(exchange, await send(first.request)) };
};

const refreshWith = async (provider: DefinedProvider, account: Account, refreshToken: string): Promise<Outcome> => {
  const { exchange, send } = await prepared(provider, account, 'refresh');
  if (!account.refresh) throw new TypeError('A definition without a refresh request has no refresh token.');
  return interpret(exchange, await send(account.refresh(refreshToken, exchange.assertion)));
};

const wordsOf = (outcome: Outcome): string => {
  if (outcome.kind === 'granted') return 'granted.';
  const { code, status }: Failed = outcome;
  return `${code}${status ? ` (HTTP ${status})` : ''}. ${adviceOn(code)}`;
};

const factsOf = (
  { issuedAt, expiresAt, baseUrl, headers, refreshToken, warnings }: Granted,
  { hideAll }: Output,
  tick: Milliseconds,
): string[] => [
  `token valid until ${new Date(expiresAt).toISOString()} (${shortDuration(expiresAt - issuedAt)})`,
  `base URL: ${hideAll(baseUrl)}`,
  `headers: ${Object.keys(headers).join(', ')}`,
  `refresh token: ${refreshToken === undefined ? 'no' : 'yes'}`,
  ...[...warnings, ...(isTooShort({ issuedAt, expiresAt }, tick) ? (['lifetime_short'] as const) : [])].map(
    warning => `warning: ${warning}: ${warningWords[warning]}`,
  ),
];
