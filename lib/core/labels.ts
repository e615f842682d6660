import { isObject } from './json.ts';
import { bytesOf } from './limits.ts';
import { type EpochMs, epochMs } from './types.ts';

/** The labels of a connection in its secret. Shown in lists, mails and events, so they must not be secret. */
export interface Labels {
  /** The end of the credentials, from `"expires": "2027-03-01"`: the end of that day, UTC. */
  readonly expires?: EpochMs;
  /** From `"tags": {"customer": "Acme"}`: for people and their tools. */
  readonly tags?: Readonly<Record<string, string>>;
}

const TAGS = 10;
/** In bytes, names included: every list holds them. */
const ALL_TAGS = 1000;
const NAME = /^[A-Za-z0-9._-]{1,40}$/;
/** No line breaks, no incomplete character and no bidirectional controls: mails show it. */
const VALUE = /^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]{1,100}$/u;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DAY = 86_400_000;

/**
 * The labels among a connection's fields: `expires`, an ISO 8601 date, and up to ten `tags`, names of 1 to 40 letters,
 * digits, `.`, `_`, `-` with texts of up to 100 characters, 1,000 bytes in all. Malformed labels are left out; `bad`
 * counts them.
 */
export const labelsIn = (fields: unknown): { readonly labels: Labels; readonly bad: number } => {
  if (!isObject(fields)) return { labels: {}, bad: 0 };
  const expires = fields.expires === undefined ? undefined : endOfDay(fields.expires);
  const tags = fields.tags === undefined ? undefined : tagsIn(fields.tags);
  return {
    labels: {
      ...(expires !== undefined && expires !== 'bad' && { expires }),
      ...(tags && tags !== 'bad' && { tags }),
    },
    bad: [expires, tags].filter(each => each === 'bad').length,
  };
};

const endOfDay = (value: unknown): EpochMs | 'bad' => {
  if (typeof value !== 'string' || !DATE.test(value)) return 'bad';
  const day = Date.parse(`${value}T00:00:00Z`);
  // Date.parse reads 2027-02-30 as the second of March.
  const exists = !Number.isNaN(day) && new Date(day).toISOString().startsWith(value);
  return exists ? epochMs(day + DAY) : 'bad';
};

const tagsIn = (value: unknown): Readonly<Record<string, string>> | 'bad' => {
  if (!isObject(value)) return 'bad';
  const entries = Object.entries(value);
  const good = entries.filter(
    (entry): entry is [string, string] => NAME.test(entry[0]) && typeof entry[1] === 'string' && VALUE.test(entry[1]),
  );
  const isSmall = bytesOf(good.flat().join('')) <= ALL_TAGS;
  return good.length === entries.length && good.length <= TAGS && isSmall ? Object.fromEntries(good) : 'bad';
};
