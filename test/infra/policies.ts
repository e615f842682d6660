import { type Json, ofType, pathOf, type Resources } from './template.ts';

/** A statement of a role's policy, and the path of that policy. */
export interface Held {
  readonly at: string;
  readonly statement: Json;
}

export const statementsOf = (resources: Resources): Held[] =>
  ofType(resources, 'AWS::IAM::Policy').flatMap(([id, { Properties }]) => {
    const { Statement } = Properties.PolicyDocument as { Statement: readonly Json[] };
    return Statement.map(statement => ({ at: pathOf(resources, id), statement }));
  });
