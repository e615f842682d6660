import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** What the token endpoints of the six providers do to the unwary. The tests of each are in this folder, by subject. */
const traps = [
  'Petrosoft documents `expires_in` in minutes and sends seconds; `exp` in the token decides',
  'iOFFICE sends `expires_in` in milliseconds',
  'a refresh of Petrosoft does not extend the session: only a login does',
  'a 500 of Petrosoft can mean a bad refresh token, or a restricted account',
  'an error of Petrosoft repeats the token',
  'another login after a refused one may lock the account',
  'an answer may lack a refresh token',
  'a refresh may keep the refresh token, or spend it',
  'a fixed margin is longer than a token of ten minutes is valid',
  'PowerOffice Go needs the subscription key in each request of a consumer',
  'the service address of PowerEPOS moves from token to token',
  'an answer of PowerEPOS may be for another organisation',
  '`expires_in` may be zero, negative, missing, a text, or absurd',
  'an answer with status 200 may hold no token',
  'a timeout leaves open whether a refresh token is spent',
  'a process may crash between the answer and the write',
  'a redirect would take credentials to another host',
  'the answer may take long: a token is issued before the request is sent',
];

it('each trap has its tests, and each test its trap', () => {
  const files = readdirSync(import.meta.dirname).filter(file => file.endsWith('.test.ts'));
  const source = files.map(file => readFileSync(`${import.meta.dirname}/${file}`, 'utf8')).join('\n');
  const tested = new Set([...source.matchAll(/['`]trap (\d+):/g)].map(([, number]) => Number(number)));
  expect([...tested].toSorted((one, other) => one - other)).toEqual(traps.map((_, n) => n + 1));
});
