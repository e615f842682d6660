import { Annotations } from 'aws-cdk-lib';
import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

/** The environment variables of a consumer: what `createTokenClient()` reads. */
export type ConsumerVariable = 'TOKENS_TABLE' | 'TOKENS_API_URL';

/** A function, of any kind that the CDK has. */
interface WithEnvironment extends IGrantable {
  addEnvironment(name: string, value: string, options?: { readonly removeInEdge?: boolean }): unknown;
}

const hasEnvironment = (grantee: IGrantable): grantee is WithEnvironment =>
  'addEnvironment' in grantee && typeof grantee.addEnvironment === 'function';

/** The deployments whose variables a grantee has. */
const deployments = new WeakMap<IGrantable, Map<ConsumerVariable, string>>();

/**
 * Sets a variable if the grantee is a function. A function with grants of two deployments has the variables of the
 * first one.
 */
export const setVariable = (
  grantee: IGrantable,
  deployment: string,
  variable: readonly [name: ConsumerVariable, value: string],
): void => {
  if (!hasEnvironment(grantee)) return;
  const [name, value] = variable;
  const known = deployments.get(grantee) ?? new Map<ConsumerVariable, string>();
  deployments.set(grantee, known);
  const first = known.get(name);
  if (first === undefined) {
    known.set(name, deployment);
    grantee.addEnvironment(name, value, { removeInEdge: true });
  } else if (first !== deployment && Construct.isConstruct(grantee)) {
    Annotations.of(grantee).addWarningV2(
      `token-refresher:${name}`,
      `It may read tokens of "${first}" and of "${deployment}", and ${name} is that of "${first}". For the other, pass tableSource or apiSource to createTokenClient.`,
    );
  }
};
