import type { HttpReply, HttpRequest, Provider } from '../../lib/core/provider.ts';
import type { EpochMs, Milliseconds } from '../../lib/core/types.ts';

/** A provider that grants everything. It remembers nothing. */
export interface Grants {
  readonly lifetime: Milliseconds;
  /** The length of access tokens, in characters. */
  readonly tokenLength: number;
}

const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const HEADER = base64({ alg: 'RS256', typ: 'JWT' });

/** A unique JWT (RFC 7519) of the given length. */
const tokenOf = (serial: number, claims: object, length: number): string => {
  const text = `${HEADER}.${base64({ ...claims, jti: String(serial) })}.`;
  return text + 'x'.repeat(Math.max(16, length - text.length));
};

/**
 * Answers as the documented ones: `refresh_token` if the definition has a refresh grant, the first step if it has two.
 */
export const grants = (provider: Provider, { lifetime, tokenLength }: Grants) => {
  let serial = 0;
  return (request: HttpRequest, now: EpochMs): HttpReply => {
    serial += 1;
    if (request.url.endsWith('/auth')) return json({ code: `made-up-code-${serial}` });
    const expiresIn = provider.expiresIn === 'milliseconds' ? lifetime : lifetime / 1000;
    const [iat, exp] = [now, now + lifetime].map(moment => Math.floor(moment / 1000));
    const service = { svc: 'https://region-a.powerepos.cloud/partner' };
    const accessToken = tokenOf(serial, { iat, exp, ...(provider.id === 'powerepos' && service) }, tokenLength);
    return json({
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: expiresIn,
      ...(hasSessions(provider) && { refresh_token: `made-up-refresh-token-${serial}`.padEnd(120, 'x') }),
      ...(provider.sessionEnds && { refresh_expires_in: expiresIn }),
    });
  };
};

/** PowerOffice v1 gives refresh tokens only to old registrations. */
const hasSessions = ({ id }: Provider): boolean => ['powerepos', 'petrosoft', 'ioffice'].includes(id);

const json = (body: object): HttpReply => ({
  kind: 'answer',
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

/** The bytes of a request as HTTP/1.1 sends it. */
export const requestBytes = ({ method, url, headers, body = '' }: HttpRequest): number =>
  Object.entries(headers).reduce(
    (sum, [name, value]) => sum + name.length + value.length + 4,
    method.length + url.length + body.length + 64,
  );
