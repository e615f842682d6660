import { runSimulation, type Simulation } from '@cloud-copilot/iam-simulate';
import { isObject } from '../../lib/core/json.ts';
import type { AwsAccount } from './account.ts';
import type { Need } from './needs.ts';
import type { PolicyDocument, Statement } from './policies.ts';
import { needsOf, type Request } from './requests.ts';
import { asTexts } from './stacks.ts';

/** Part of a statement: one of its actions, about one of its resources. */
export interface Permission {
  /** The holder of the policy: a role's label, or the ARN of a resource. */
  readonly holder: string;
  readonly action: string;
  readonly resource: string;
  readonly statement: Statement;
}

export interface Verdict {
  readonly need: Need;
  readonly allowed: boolean;
  /** The permissions that allow it. */
  readonly by: readonly Permission[];
}

/** Evaluates calls against the policies of an account, as IAM does. */
export class Evaluator {
  readonly account: AwsAccount;
  readonly #known = new Map<string, Promise<Verdict>>();

  constructor(account: AwsAccount) {
    this.account = account;
  }

  /** IAM's verdicts on everything that a call needs; the call is allowed if all are positive. */
  async verdicts(request: Request): Promise<readonly Verdict[]> {
    const needs = await needsOf(request, this.account);
    return Promise.all(needs.map(need => this.#verdict(request.as, need)));
  }

  async allows(request: Request): Promise<boolean> {
    return (await this.verdicts(request)).every(({ allowed }) => allowed);
  }

  #verdict(as: string, need: Need): Promise<Verdict> {
    const id = JSON.stringify([as, need]);
    const known = this.#known.get(id) ?? this.#evaluate(as, need);
    this.#known.set(id, known);
    return known;
  }

  async #evaluate(as: string, need: Need): Promise<Verdict> {
    const { roles, place, resourcePolicies } = this.account;
    const role = roles.get(as);
    const trusting = [...roles.values()].find(({ arn }) => need.action === 'sts:AssumeRole' && arn === need.resource);
    const resourcePolicy =
      trusting?.trust ??
      resourcePolicies.get(need.resource) ??
      (need.action.startsWith('kms:') ? leftToIam(place.partition, place.account) : undefined);
    const result = await simulate({
      identityPolicies: (role?.policies ?? []).map((policy, n) => ({ name: String(n), policy: readable(policy) })),
      ...(resourcePolicy && { resourcePolicy: readable(resourcePolicy) }),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      request: {
        principal: role?.arn ?? as,
        action: need.action,
        resource: { resource: need.resource === '*' ? '*' : literal(need.resource), accountId: place.account },
        contextVariables: readableContext(need.context),
      },
    });
    const { identityAnalysis, resourceAnalysis, result: outcome } = result;
    const by = [
      ...(identityAnalysis?.allowStatements ?? []).map(({ policyId, statement, explain }) => ({
        holder: as,
        statement: role?.policies[Number(policyId)]?.Statement[statement.index() - 1],
        explain,
      })),
      ...(resourceAnalysis?.allowStatements ?? []).map(({ statement, explain }) => ({
        holder: need.resource,
        statement: resourcePolicy?.Statement[statement.index() - 1],
        explain,
      })),
    ].flatMap(({ holder, statement, explain }) => {
      if (!statement) return [];
      const action = [explain.actions ?? []].flat().find(each => each.matches)?.action ?? '';
      const resource = [explain.resources ?? []].flat().find(each => each.matches)?.resource ?? '';
      return [{ holder, action, resource, statement }];
    });
    return { need, allowed: outcome === 'Allowed', by };
  }
}

const simulate = async (simulation: Simulation) => {
  const answer = await runSimulation(simulation, {});
  const { action, resource } = simulation.request;
  if (answer.resultType === 'error')
    throw new Error(`${action} on ${resource.resource}: ${JSON.stringify(answer.errors)}`);
  if (answer.resultType !== 'single') throw new Error(`${action} on ${resource.resource} is not one request`);
  const { ignoredContextKeys = [], analysis } = answer.result;
  // The evaluator would ignore an unexpected key, and a condition on it would never hold.
  if (ignoredContextKeys.length > 0) throw new Error(`${action} does not know ${ignoredContextKeys.join(', ')}`);
  return analysis;
};

/** The policy of a key that leaves access to the policies of roles. */
const leftToIam = (partition: string, account: string): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Action: 'kms:*', Resource: '*', Principal: { AWS: `arn:${partition}:iam::${account}:root` } },
  ],
});

/** In a request "*" is an ordinary character. */
const literal = (resource: string): string => resource.replaceAll('*', '＊');

/**
 * The evaluator ignores `kms:EncryptionContext:…`, since its name is open. Another key with an open name and the same
 * type replaces it, in requests and policies alike.
 */
const readableKey = (key: string): string =>
  key.replace(/^kms:EncryptionContext:(.*)$/i, (_, name: string) => `aws:RequestTag/${name.replaceAll(':', '.')}`);

const readableContext = (context: Need['context']): Record<string, string | string[]> =>
  Object.fromEntries(
    Object.entries(context).map(([key, value]) => [readableKey(key), typeof value === 'string' ? value : [...value]]),
  );

const readable = ({ Version, Statement }: PolicyDocument): object => ({
  Version,
  Statement: Statement.map(({ Condition, ...statement }) => ({
    ...statement,
    ...(isObject(Condition) && {
      Condition: Object.fromEntries(
        Object.entries(Condition).map(([operator, keys]) => [
          operator,
          Object.fromEntries(
            Object.entries(isObject(keys) ? keys : {}).map(([key, values]) => [readableKey(key), asTexts(values)]),
          ),
        ]),
      ),
    }),
  })),
});
