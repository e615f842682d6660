import type * as z from 'zod';
import { faultsIn, type PathFault } from './checks.ts';
import { defaultFaults } from './defaults.ts';
import { namesAt } from './names.ts';
import { nearMiss } from './near-miss.ts';
import { type DefinitionData, definitionSchema } from './schema.ts';

/** An invalid definition: a line for each path, with what to write. */
export class DefinitionError extends Error {
  override readonly name = 'DefinitionError';
}

/** Reads a definition. Throws a `DefinitionError`. */
export const definitionFrom = (value: unknown): DefinitionData => {
  const parsed = definitionSchema.safeParse(value);
  const found = parsed.success ? faultsIn(parsed.data) : faultsOfAll(parsed.error.issues);
  // The defaults of fields are checked only if the rest is valid.
  const faults = parsed.success && found.length === 0 ? defaultFaults(parsed.data) : found;
  if (!parsed.success || faults.length > 0) throw new DefinitionError([...new Set(faults.map(sentenceOf))].join('\n'));
  return parsed.data;
};

const sentenceOf = ({ path, message }: PathFault): string => {
  const end = message.endsWith('?') ? '' : '.';
  return path === '' ? `The definition ${message}${end}` : `"${path}" ${message}${end}`;
};

type Issue = z.core.$ZodIssue;

/** A value of the wrong type gets only that message. */
const faultsOfAll = (issues: readonly Issue[], above: readonly PropertyKey[] = []): readonly PathFault[] => {
  const wrong = new Set(issues.filter(({ code }) => code === 'invalid_type').map(({ path }) => path.join('.')));
  return issues
    .filter(({ code, path }) => code === 'invalid_type' || !wrong.has(path.join('.')))
    .flatMap(issue => faultsOf(issue, above));
};

const faultsOf = (issue: Issue, above: readonly PropertyKey[]): readonly PathFault[] => {
  const at = [...above, ...issue.path];
  const path = at.join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(key => ({ path: [...at, key].join('.'), message: strangerSentence(key, at) }));
  }
  if (issue.code === 'invalid_union') return faultsOfUnion(issue, at);
  if (issue.code === 'invalid_key') return issue.issues.map(({ message }) => ({ path, message }));
  return [{ path, message: messageOf(issue, at) }];
};

/** The faults of the form that was most likely meant; if none was, the possible forms. */
const faultsOfUnion = (issue: z.core.$ZodIssueInvalidUnion, at: readonly PropertyKey[]): readonly PathFault[] => {
  const meant = issue.errors.filter(each => each.length > 0 && !each.some(isOther));
  const [deepest] = meant.toSorted((a, b) => depthOf(b) - depthOf(a) || a.length - b.length);
  if (deepest) return faultsOfAll(deepest, at);
  const isMissing = issue.errors.every(each => each.every(isAbsent));
  return [{ path: at.join('.'), message: isMissing ? `is missing: it ${issue.message}` : issue.message }];
};

/** The value has another type than this form. */
const isOther = ({ code, path }: Issue): boolean =>
  path.length === 0 && (code === 'invalid_type' || code === 'invalid_value');

const isAbsent = (issue: Issue): boolean =>
  issue.code === 'invalid_type' && issue.input === undefined && / undefined$/.test(issue.message);

const depthOf = (issues: readonly Issue[]): number => Math.max(...issues.map(({ path }) => path.length));

const messageOf = (issue: Issue, path: readonly PropertyKey[]): string => {
  if (issue.code === 'invalid_type') {
    const [part, of] = [String(path.at(-1)), path.at(-2)];
    const name = of === 'fields' ? 'field' : part;
    const example = Object.hasOwn(examples, name) ? examples[name] : undefined;
    const kind = `${kinds[issue.expected] ?? issue.expected}${example ? ` such as ${example}` : ''}`;
    return isAbsent(issue) ? `is missing: it must be ${kind}` : `must be ${kind}`;
  }
  if (issue.code === 'invalid_value') return `must be ${listOf(issue.values.map(each => JSON.stringify(each)))}`;
  if (issue.code === 'too_small' && issue.origin === 'array') return `must have at least ${countOf(issue.minimum)}`;
  if (issue.code === 'too_big' && issue.origin === 'array') return `must have at most ${countOf(issue.maximum)}`;
  if (issue.code === 'too_small') return issue.origin === 'string' ? EMPTY : `must be at least ${issue.minimum}`;
  if (issue.code === 'too_big') return `must be at most ${issue.maximum}`;
  return issue.message;
};

const EMPTY = 'must not be empty';
const countOf = (entries: number | bigint): string => (Number(entries) === 1 ? '1 entry' : `${entries} entries`);
const listOf = (words: readonly string[]): string =>
  words.length < 3 ? words.join(' or ') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;

/** Examples for values of the wrong type, by the name of the part. */
const examples: Readonly<Record<string, string>> = {
  field: '{"purpose": "the API key"}',
  locks: '{"user": "username", "password": "password"}',
  redeem: '{"field": "refreshToken"}',
  sessionEnd: '[{"path": "refresh_expires_in", "as": "seconds"}]',
  rateLimit: '{"calls": 5, "per": "1m"}',
  consumer: '{"baseUrl": "{base}/v2"}',
  assertion: '{"algorithm": "RS256", "key": "privateKey", "claims": {…}}',
};

const kinds: Readonly<Record<string, string>> = {
  string: 'a text',
  object: 'an object',
  record: 'an object',
  array: 'a list',
  number: 'a number',
  int: 'a whole number',
};

const strangerSentence = (key: string, at: readonly PropertyKey[]): string => {
  const meant = nearMiss(key, namesAt(at));
  return meant === undefined
    ? 'is not a part of a definition: remove it'
    : `is not a part of a definition: did you mean "${meant}"?`;
};
