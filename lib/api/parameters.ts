import * as z from 'zod';
import { type EpochMs, epochMs, LONGEST_MIN_TTL } from '../core/types.ts';

/** The schemas that check requests. `npm run schema` writes them to docs/openapi.json. */

/** As `GET` answers write it: RFC 3339 in UTC, with milliseconds. */
export const moment = z.iso.datetime({ precision: 3 }).meta({ example: '2026-01-01T12:00:00.000Z' });

/** Seconds. */
export const minTtl = z.int().min(0).max(LONGEST_MIN_TTL).default(60).meta({
  description: 'For at least this many seconds the token should be valid.',
});
export const limit = z.int().min(1).max(500).default(100).meta({ description: 'At most this many connections.' });
export const connectionStatuses = ['new', 'healthy', 'failing', 'attention', 'expired'] as const;
export type ConnectionStatus = (typeof connectionStatuses)[number];

/** The body of `POST /tokens/…`. */
export const refusedToken = z.object({
  issuedAt: moment.meta({ description: 'The issuedAt of the token that the provider refused, as GET answered it.' }),
});
/** A moment in exactly the format of `GET` answers. */
export const momentIn = (body: unknown): EpochMs | undefined => {
  const parsed = refusedToken.safeParse(body);
  return parsed.success ? epochMs(Date.parse(parsed.data.issuedAt)) : undefined;
};
