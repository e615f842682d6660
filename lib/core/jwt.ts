import { jsonObject } from './json.ts';

/**
 * The claims of a token that is a JWT (RFC 7519), otherwise `{}`. They are not verified: the token came from its issuer
 * over TLS, and only times and addresses are taken from it.
 */
export const claimsOf = (token: string): Readonly<Record<string, unknown>> => {
  const [, payload, signature, ...rest] = token.split('.');
  if (!payload || signature === undefined || rest.length > 0) return {};
  return jsonObject(Buffer.from(payload, 'base64url').toString('utf8')) ?? {};
};
