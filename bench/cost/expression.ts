import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/**
 * The part of DynamoDB's expressions that the adapters use. Everything else is an error: nothing may be counted
 * wrongly.
 */

export type StoredItem = Readonly<Record<string, AttributeValue>>;

export interface Expression {
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>> | undefined;
  readonly ExpressionAttributeValues?: StoredItem | undefined;
}

type Condition = (item: StoredItem, expression: Expression) => boolean;

const nameOf = ({ ExpressionAttributeNames: names }: Expression, alias: string): string => {
  const name = names?.[alias];
  if (name === undefined) throw new Error(`no name is given for ${alias}`);
  return name;
};

const givenValue = ({ ExpressionAttributeValues: values }: Expression, alias: string): AttributeValue => {
  const value = values?.[alias];
  if (value === undefined) throw new Error(`no value is given for ${alias}`);
  return value;
};

const compare = (a: AttributeValue, b: AttributeValue): number | undefined => {
  if (a.N !== undefined && b.N !== undefined) return Number(a.N) - Number(b.N);
  if (a.S !== undefined && b.S !== undefined) return a.S < b.S ? -1 : Number(a.S > b.S);
  return undefined;
};

const operators: Readonly<Record<string, (difference: number) => boolean>> = {
  '=': difference => difference === 0,
  '<': difference => difference < 0,
  '<=': difference => difference <= 0,
  '>': difference => difference > 0,
};

/** `#a = :b`, `attribute_exists(#a)`, with NOT, AND and OR, and parentheses around an OR. */
const parse = (text: string): Condition => {
  const alternatives = split(text, ' OR ').map(all => {
    const terms = split(all, ' AND ').map(term);
    return (item: StoredItem, expression: Expression) => terms.every(each => each(item, expression));
  });
  return (item, expression) => alternatives.some(each => each(item, expression));
};

const term = (text: string): Condition => {
  const trimmed = text.trim();
  const [, inner] = /^\((.*)\)$/.exec(trimmed) ?? [];
  if (inner !== undefined) return parse(inner);
  const [, negated] = /^NOT (.*)$/.exec(trimmed) ?? [];
  if (negated !== undefined) {
    const condition = term(negated);
    return (item, given) => !condition(item, given);
  }
  const [, typed = '', type = ''] = /^attribute_type\((#\w+), (:\w+)\)$/.exec(trimmed) ?? [];
  if (typed) return (item, given) => givenValue(given, type).S === Object.keys(item[nameOf(given, typed)] ?? {})[0];
  const [, sought, attribute = ''] = /^attribute_(exists|not_exists)\((#\w+)\)$/.exec(trimmed) ?? [];
  if (sought) return (item, given) => (item[nameOf(given, attribute)] !== undefined) === (sought === 'exists');
  const [, name = '', operator = '', value = ''] = /^(#\w+) (=|<=?|>) (:\w+)$/.exec(trimmed) ?? [];
  const holds = operators[operator];
  if (!holds) throw new Error(`the condition "${trimmed}" is not understood`);
  return (item, given) => {
    const there = item[nameOf(given, name)];
    const difference = there && compare(there, givenValue(given, value));
    return difference !== undefined && holds(difference);
  };
};

/** At the separators outside of parentheses. */
const split = (text: string, separator: string): string[] => {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '(') depth += 1;
    if (text[at] === ')') depth -= 1;
    if (depth > 0 || !text.startsWith(separator, at)) continue;
    parts.push(text.slice(from, at));
    from = at + separator.length;
  }
  return [...parts, text.slice(from)];
};

const conditions = new Map<string, Condition>();

export const conditionHolds = (text: string | undefined, item: StoredItem, expression: Expression): boolean => {
  if (text === undefined) return true;
  const condition = conditions.get(text) ?? parse(text);
  conditions.set(text, condition);
  return condition(item, expression);
};

const sum = (a: AttributeValue | undefined, b: AttributeValue): AttributeValue => ({
  N: String(Number(a?.N ?? 0) + Number(b.N)),
});

const assigned = (item: StoredItem, right: string, given: Expression): AttributeValue => {
  const [, kept = '', otherwise = ''] = /^if_not_exists\((#\w+), (:\w+)\)$/.exec(right) ?? [];
  if (kept) return item[nameOf(given, kept)] ?? givenValue(given, otherwise);
  const [, base = '', added = ''] = /^(#\w+) \+ (:\w+)$/.exec(right) ?? [];
  if (base) return sum(item[nameOf(given, base)], givenValue(given, added));
  return givenValue(given, right);
};

type Change = (item: StoredItem, next: Record<string, AttributeValue>, given: Expression) => void;

const changeOf = (clause: string, part: string): Change => {
  if (clause === 'REMOVE') return (_, next, given) => void delete next[nameOf(given, part)];
  const [name = '', right = ''] = part.split(clause === 'SET' ? / = (.*)/ : ' ');
  if (clause === 'SET')
    return (item, next, given) => {
      next[nameOf(given, name)] = assigned(item, right, given);
    };
  return (item, next, given) => {
    next[nameOf(given, name)] = sum(item[nameOf(given, name)], givenValue(given, right));
  };
};

const updates = new Map<string, readonly Change[]>();

const changesOf = (text: string): readonly Change[] => {
  const clauses = text.split(/\b(SET|REMOVE|ADD) /).slice(1);
  return clauses.flatMap((clause, n) => {
    if (n % 2 === 1) return [];
    return split((clauses[n + 1] ?? '').trim(), ', ').map(part => changeOf(clause, part));
  });
};

/** The item after an update. */
export const updated = (text: string, item: StoredItem, given: Expression): StoredItem => {
  const changes = updates.get(text) ?? changesOf(text);
  updates.set(text, changes);
  const next = { ...item };
  for (const change of changes) change(item, next, given);
  return next;
};
