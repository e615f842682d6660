import { defaultPolicy, tickOf } from '../../lib/core/policy.ts';
import type { DefinedProvider } from '../../lib/definition/provider.ts';
import type { TimeData } from '../../lib/definition/schema.ts';
import { shortDuration } from '../table.ts';

/** The paths at which a definition reads the answer, and its polling interval, as lines. */
export const answerLines = (provider: DefinedProvider): readonly string[] => {
  const { answer, match, errors, lifetime, rateLimit, locks, refreshAt, renewWithin, refresh } = provider.definition;
  const { token, refreshToken, expiry, sessionEnd } = answer;
  const line = (name: string, value: string) => `  ${name.padEnd(14)} ${value}`;
  const matches = Object.entries(match).map(([path, field]) => line('must match', `${path} = {${field}}`));
  return [
    '',
    'Read from the answer',
    line('token', token),
    ...(refresh ? [line('refresh token', refreshToken)] : []),
    line(
      'expiry',
      expiry === 'never stated' ? `never stated: ${shortDuration(lifetime)}` : `${expiry.path} (${expiry.as})`,
    ),
    ...(sessionEnd.length > 0 ? [line('session end', sessionEnd.map(endText).join(', otherwise '))] : []),
    ...matches,
    ...errors.map(({ status, grant, code, means }) =>
      line('error', `${status}${grant ? ` to a ${grant}` : ''}: ${code} (${means})`),
    ),
    '',
    'Times and limits',
    line('lifetime', shortDuration(lifetime)),
    line('renewed', renewedText(refreshAt, renewWithin)),
    line('polling', `every ${shortDuration(tickOf(provider))}`),
    ...(rateLimit
      ? [line('rate limit', `${rateLimit.calls} in ${shortDuration(rateLimit.per)}${sharedText(rateLimit.sharedBy)}`)]
      : []),
    ...(locks ? [line('locks', `wrong logins of {${locks.user}} may lock it: each is tried once`)] : []),
  ];
};

const endText = (end: TimeData | { readonly after: number }): string => {
  if ('after' in end) return `${shortDuration(end.after)} after each answer`;
  return `${end.path ?? `the claim ${end.claim}`} (${end.as})`;
};

const renewedText = (refreshAt = defaultPolicy.refreshAt, renewWithin: number | undefined): string =>
  renewWithin === undefined
    ? `after ${Math.round(refreshAt * 100)} % of its life`
    : `in its last ${shortDuration(renewWithin)}`;

const sharedText = (field: string | undefined): string =>
  field === undefined ? ', shared by all connections of one origin' : `, shared by those with the same {${field}}`;
