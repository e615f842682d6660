import { type EpochMs, hours, type Listed, type Milliseconds, minutes, plus } from './types.ts';

/**
 * The token and session of a connection stay this long after its secret is gone: the list of secrets may lag by five
 * minutes, and a person may undo a deletion.
 */
export const GRACE: Milliseconds = minutes(5);
/**
 * No writer that began before a retirement still runs after this time: a Lambda function runs for 15 minutes at most.
 */
export const RETIRED_FOR: Milliseconds = hours(1);

/** When the end of a retired connection is due. */
export const endsAt = ({ retiredAt, replacedAt }: Listed): EpochMs | undefined =>
  replacedAt ?? (retiredAt && plus(retiredAt, GRACE));

/** Whether a retired connection must be ended now. */
export const isToEnd = ({ retiredAt, endedAt, dueAt }: Listed, now: EpochMs): boolean =>
  retiredAt !== undefined && endedAt === undefined && dueAt <= now;

/** Whether everything of a retired connection is still there, in case its secret comes back. */
export const isInGrace = ({ retiredAt, replacedAt, endingAt, endedAt }: Listed): boolean =>
  retiredAt !== undefined && replacedAt === undefined && endingAt === undefined && endedAt === undefined;
