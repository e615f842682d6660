import type { Provider } from '../core/provider.ts';
import { faultIn, sessionEndOf, standardised, usageOf } from './answers.ts';
import { defineProvider } from './define.ts';
import { requestAfter, requestFrom } from './requests.ts';
import type { DefinitionData } from './schema.ts';
import { chosen, type SecretFields, type SecretSchema, secretSchemaOf } from './secret.ts';
import { assertionOf, baseOf, valuesOf, withAnswer } from './values.ts';

/** A provider with the definition that it was made from. */
export interface DefinedProvider extends Provider {
  readonly definition: DefinitionData;
}

/** A provider from a checked definition. */
export const providerFrom = (data: DefinitionData): DefinedProvider => {
  const { login, redeem, refresh, sessionOf = [], locks, rateLimit, errors, answer, revoke } = data;
  const { callDeadline, refreshAt, renewWithin } = data;
  const [first, second] = login;
  const handedIn = (c: SecretFields) => (redeem ? chosen(data, c)[redeem.field] : undefined);
  const given = (c: SecretFields, more: SecretFields = {}) => valuesOf(data, chosen(data, c), more);
  // The one-time code is sent as the refresh token; without it, a field may have that name.
  const redeemed = (c: SecretFields): SecretFields => {
    const refreshToken = handedIn(c);
    return refreshToken === undefined ? {} : { refreshToken };
  };
  const shared = rateLimit?.sharedBy;
  const redemption = redeem && (redeem.request ?? refresh);
  const loginOf = (c: SecretFields) => {
    const request = handedIn(c) === undefined ? first : redemption;
    if (!request) throw new TypeError('A definition has no request for a login.');
    return request;
  };
  const provider = defineProvider<SecretSchema>({
    id: data.id,
    title: data.title,
    hosts: data.hosts,
    lifetime: data.lifetime,
    expiresIn: unitOf(answer.expiry),
    concurrency: data.concurrency,
    secret: secretSchemaOf(data),
    base: c => baseOf(data, c),
    logIn: (c, assertion) => requestFrom(loginOf(c), given(c, { ...redeemed(c), assertion })),
    usage: (c, token) => usageOf(data, chosen(data, c), token),
    standard: (json, sentAt) => standardised(data, json, sentAt),
    sessionEnds: (token, sentAt) => sessionEndOf(data, token, sentAt),
    ...(second && {
      exchange: (c, json, assertion) =>
        requestAfter(second, withAnswer(given(c, { assertion }), { answer: json, claims: {} })),
    }),
    ...(rateLimit && { rateLimit: { calls: rateLimit.calls, per: rateLimit.per } }),
    ...(shared !== undefined && { limitShared: c => c[shared] ?? '' }),
    ...(refresh && {
      session: {
        refresh: (c, refreshToken, assertion) => requestFrom(refresh, given(c, { refreshToken, assertion })),
        // A user name that the login does not use does not identify the client.
        client: c => sessionOf.map(field => chosen(data, c)[field] ?? ''),
      },
    }),
    ...(redeem && { oneTimeCode: handedIn, importsSession: redeem.request === undefined }),
    ...(redeem?.lifetime !== undefined && { codeLifetime: redeem.lifetime }),
    ...(data.assertion && { assertion: c => assertionOf(data, chosen(data, c)) }),
    ...(locks && { lockable: c => lockedBy(locks, chosen(data, c)) }),
    ...(errors.length > 0 && { fault: (reply, grant) => faultIn(errors, reply, grant) }),
    ...(revoke && {
      revoke: (base, token) => requestFrom(revoke, name => ({ base, token })[name]),
    }),
    ...(callDeadline !== undefined && { callDeadline }),
    ...(refreshAt !== undefined && { refreshAt }),
    ...(renewWithin !== undefined && { renewWithin }),
  });
  return { ...provider, definition: data };
};

const unitOf = (expiry: DefinitionData['answer']['expiry']): Provider['expiresIn'] => {
  if (expiry === 'never stated') return 'never stated';
  return expiry.as === 'milliseconds' ? 'milliseconds' : 'seconds';
};

const lockedBy = (locks: NonNullable<DefinitionData['locks']>, credentials: SecretFields) => {
  const [user, password] = [credentials[locks.user], credentials[locks.password]];
  return user === undefined || password === undefined ? undefined : { user, password };
};
