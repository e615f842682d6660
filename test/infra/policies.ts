import type { JsonObject } from '../iam/stacks.ts';
import { constructPathOf, ofType, type Resources } from './template.ts';

/** A statement of a role's policy, and the path of that policy. */
export interface RoleStatement {
  readonly at: string;
  readonly statement: JsonObject;
}

export const statementsOf = (resources: Resources): RoleStatement[] =>
  ofType(resources, 'AWS::IAM::Policy').flatMap(([id, { Properties }]) => {
    const { Statement } = Properties.PolicyDocument as { Statement: readonly JsonObject[] };
    return Statement.map(statement => ({ at: constructPathOf(resources, id), statement }));
  });
