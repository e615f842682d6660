import { randomBytes } from 'node:crypto';
import { createServer } from 'node:https';
import { text } from 'node:stream/consumers';
import { isObject } from '../../lib/core/json.ts';
import { LARGEST } from '../../lib/core/limits.ts';
import { listeningForParent, serverConfiguration } from './process.ts';
import { isLarge, PROVIDER_HOST } from './scenario.ts';

/** The stateless provider and the event bus: everything that the functions call besides DynamoDB and secrets. */

const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token of a size, most of it claims: those are parsed. */
const tokenOf = (size: number, svc: string): string => {
  const header = base64({ alg: 'RS256', typ: 'JWT' });
  const claims = (filling: number) => base64({ svc, jti: randomBytes(8).toString('hex'), data: 'd'.repeat(filling) });
  const empty = `${header}.${claims(0)}.`.length;
  const filled = `${header}.${claims(Math.floor((Math.max(0, size - empty - 342) * 3) / 4) - 2)}.`;
  return (
    filled +
    randomBytes(size)
      .toString('base64url')
      .slice(0, size - filled.length)
  );
};

const grant = (form: URLSearchParams, host: string): object => {
  const large = isLarge(form.get('org_id') ?? '');
  const accessToken = tokenOf(large ? LARGEST.accessToken : 900, `https://${host}/service`);
  const refreshToken = randomBytes(LARGEST.refreshToken).toString('base64url');
  return {
    token_type: 'Bearer',
    access_token: accessToken,
    expires_in: 28_800,
    refresh_token: refreshToken.slice(0, large ? LARGEST.refreshToken : 64),
  };
};

const putEvents = (text: string): object => {
  const body: unknown = JSON.parse(text);
  const entries: unknown[] = isObject(body) && Array.isArray(body.Entries) ? body.Entries : [];
  return { FailedEntryCount: 0, Entries: entries.map((_, n) => ({ EventId: String(n) })) };
};

const { key, cert } = serverConfiguration();
const server = createServer({ key, cert }, (request, response) => {
  const { host = PROVIDER_HOST } = request.headers;
  const forBus = request.headers['x-amz-target'] === 'AWSEvents.PutEvents';
  text(request)
    .then(body => (forBus ? putEvents(body) : grant(new URLSearchParams(body), host)))
    .then(
      answer => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer)),
      () => response.destroy(),
    );
});
await listeningForParent(server);
