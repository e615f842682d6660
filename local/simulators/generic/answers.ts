import { type EpochMs, hours, plus } from '../../../lib/core/types.ts';
import type { DefinitionData, TimeData } from '../../../lib/definition/schema.ts';
import type { SecretFields } from '../../../lib/definition/secret.ts';
import { filled, placeholdersIn } from '../../../lib/definition/template.ts';
import { inUrl, valuesOf, withAnswer } from '../../../lib/definition/values.ts';
import { type SimulatedAccount, simulatedIdOf } from '../accounts.ts';
import type { FakeAuthServer, SimulatedResponse } from '../kit.ts';
import { inSeconds, json } from '../wire.ts';
import { type Json, withAt } from './json.ts';

/** Much longer than access tokens are valid. */
const SESSION = hours(24 * 30);

type Part = readonly [path: string, value: unknown];

/** The recipient of a grant. */
export interface Grantee {
  readonly account: SimulatedAccount;
  /** The fields of its secret, without unused ones. */
  readonly credentials: SecretFields;
  /** The login that it comes from; absent for a new login. */
  readonly family?: string;
}

/** Issues a token, and a refresh token if the definition uses one, and answers in the terms of the definition. */
export const grant = (
  data: DefinitionData,
  server: FakeAuthServer,
  { account, credentials, family }: Grantee,
): SimulatedResponse => {
  const { answer, refresh, match, scopes } = data;
  const expiresAt = plus(server.now, server.scaled(data.lifetime));
  const endsAt = sessionEnd(data, server, expiresAt);
  const matched = Object.entries(match).map(([path, field]) => [path, credentials[field]] as const);
  const claims = objectOf([
    ...addressesIn(data, 'claims', server),
    ...sessionParts(data, server, endsAt, 'claim'),
    ...matched,
    ['iat', inSeconds(server.now)],
    ['exp', inSeconds(expiresAt)],
  ]);
  const accessToken = hasClaims(data) ? server.jwt(claims) : server.opaque();
  const refreshToken = refresh && server.opaque();
  const body = objectOf([
    ['token_type', 'Bearer'],
    ['scope', scopes && credentials[scopes]],
    ...addressesIn(data, 'answer', server),
    ...sessionParts(data, server, endsAt, 'path'),
    ...matched,
    ...expiryParts(data, server, expiresAt),
    [answer.refreshToken, refreshToken],
    [answer.token, accessToken],
  ]);
  const values = withAnswer(valuesOf(data, credentials, { token: accessToken }), { answer: body, claims });
  const [baseUrl = server.url] = data.consumer.baseUrl.flatMap(each => filled(each, values, inUrl) ?? []);
  const common = { account: simulatedIdOf(account), family: family ?? accessToken };
  const below = baseUrl.startsWith(server.url) ? baseUrl.slice(server.url.length) : '';
  server.issue(accessToken, { ...common, expiresAt, below });
  if (refreshToken !== undefined) server.hold(refreshToken, { ...common, endsAt });
  return json(200, body);
};

const objectOf = (parts: readonly Part[]): Json =>
  parts
    .filter(([, value]) => value !== undefined)
    .reduce<Json>((object, [path, value]) => withAt(object, path, value), {});

/** Whether the token must be a JWT, because the definition reads its claims. */
const hasClaims = ({ consumer, answer }: DefinitionData): boolean =>
  answer.sessionEnd.some(each => 'claim' in each) ||
  namesIn([...consumer.baseUrl, ...Object.values(consumer.headers)], 'claims').length > 0;

const namesIn = (texts: readonly string[], from: 'answer' | 'claims'): readonly string[] =>
  texts.flatMap(placeholdersIn).filter(name => name?.startsWith(`${from}.`) === true) as string[];

/** Values that consumers get from an answer: an address at the beginning of a text, otherwise a word. */
const addressesIn = (
  { consumer }: DefinitionData,
  from: 'answer' | 'claims',
  server: FakeAuthServer,
): readonly Part[] =>
  namesIn([...consumer.baseUrl, ...Object.values(consumer.headers)], from).map(name => {
    const path = name.slice(from.length + 1);
    const isAddress = consumer.baseUrl.some(each => each.startsWith(`{${name}}`));
    return [path, isAddress ? server.url : `made-up-${path.split('.').at(-1)}`];
  });

const expiryParts = (
  { answer: { expiry } }: DefinitionData,
  server: FakeAuthServer,
  expiresAt: EpochMs,
): readonly Part[] => (expiry === 'never stated' ? [] : [[expiry.path, stated(expiresAt, expiry.as, server)]]);

const stated = (moment: EpochMs, as: TimeData['as'], server: FakeAuthServer): unknown => {
  if (as === 'seconds') return inSeconds(moment - server.now);
  if (as === 'milliseconds') return moment - server.now;
  if (as === 'epochSeconds') return inSeconds(moment);
  return as === 'date' ? new Date(moment).toISOString() : moment;
};

type Place = DefinitionData['answer']['sessionEnd'][number];

/** Whether a session ends when its access token does. */
const isOfToken = (place: TimeData, { answer: { expiry } }: DefinitionData): boolean =>
  place.claim === 'exp' || (expiry !== 'never stated' && place.path === expiry.path);

/** When a session that begins now ends. Times that the definition states are not scaled. */
const sessionEnd = (data: DefinitionData, server: FakeAuthServer, expiresAt: EpochMs): EpochMs => {
  const [first] = data.answer.sessionEnd;
  if (first && 'after' in first) return plus(server.now, first.after);
  return first && isOfToken(first, data) ? expiresAt : plus(server.now, server.scaled(SESSION));
};

const sessionParts = (
  data: DefinitionData,
  server: FakeAuthServer,
  endsAt: EpochMs,
  where: 'path' | 'claim',
): readonly Part[] =>
  data.answer.sessionEnd.flatMap((place: Place): readonly Part[] => {
    if ('after' in place || isOfToken(place, data)) return [];
    const path = place[where];
    return path === undefined ? [] : [[path, stated(endsAt, place.as, server)]];
  });
