import { Stack } from 'aws-cdk-lib';
import { CfnManagedPolicy, CfnRole, type IRole } from 'aws-cdk-lib/aws-iam';

/** The policies of another app's role are not known here. A function needs one managed policy to write its log. */
const UNKNOWN_ROLE = 1;

/** How many managed policies a role will have: those that it names, and those in its stack that name it. */
export const attachedTo = (role: IRole): number => {
  const stack = Stack.of(role);
  const textOf = (value: unknown) => JSON.stringify(stack.resolve(value));
  const name = textOf(role.roleName);
  const naming = stack.node
    .findAll()
    .filter(each => CfnManagedPolicy.isCfnManagedPolicy(each))
    .filter(policy => listOf(stack.resolve(policy.roles)).some(each => textOf(each) === name));
  const own = role.node.defaultChild;
  const named = CfnRole.isCfnRole(own) ? listOf(stack.resolve(own.managedPolicyArns)).length : UNKNOWN_ROLE;
  return named + naming.length;
};

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
