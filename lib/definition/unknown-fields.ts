import { unknownFieldsIn } from '../core/secret.ts';
import { nearMiss } from './near-miss.ts';

export interface FieldProblem {
  readonly field: string;
  readonly message: string;
}

/**
 * A name that cannot be a misplaced credential: letters, with `_` and `-` between them. Other names are not repeated.
 */
const SPEAKABLE = /^[A-Za-z]+(?:[_-][A-Za-z]+)*$/;
const LONGEST = 40;
/** Fields that every secret may have. */
const LABELS = ['expires', 'tags', 'connections'];

/**
 * A sentence for each field that the provider does not have: otherwise a misspelled field would be ignored silently.
 */
export const unknownFieldProblems = (
  provider: string,
  known: readonly string[],
  secret: Readonly<Record<string, unknown>>,
): readonly FieldProblem[] => {
  const unknown = unknownFieldsIn(known, secret);
  const speakable = unknown.filter(name => name.length <= LONGEST && SPEAKABLE.test(name));
  const others = unknown.length - speakable.length;
  return [
    ...speakable.map(field => ({ field, message: sentence(provider, field, nearMiss(field, [...known, ...LABELS])) })),
    ...(others > 0 ? [{ field: '', message: othersSentence(provider, others) }] : []),
  ];
};

const sentence = (provider: string, field: string, meant: string | undefined): string =>
  meant === undefined
    ? `"${field}" is not a field of ${provider}: remove it, or begin its name with "_" to keep it as a note`
    : `"${field}" is not a field of ${provider}: did you mean "${meant}"?`;

const othersSentence = (provider: string, count: number): string =>
  `${count} of the names in the secret ${count === 1 ? 'is' : 'are'} not a field of ${provider}: remove it, or begin its name with "_" to keep it as a note`;
