import { isObject } from '../../lib/core/json.ts';
import { providerIds } from '../../lib/providers/index.ts';
import type { AwsAccount } from './account.ts';
import type { Permission, Verdict } from './evaluate.ts';
import type { Statement } from './policies.ts';
import type { Request } from './requests.ts';
import { asTexts } from './stacks.ts';

/** The reason to keep an allowed action that the cycle does not use. */
export interface Excuse {
  readonly permission: string;
  readonly why: string;
}

/** Replaces names of providers, connections and things in a policy or call: what is the same for all is one row. */
const shapeOf = (text: string): string => {
  const provider = new RegExp(`(^|[/#:-])(${providerIds.join('|')})(?=$|[/#]|(Role|Function|Logs)$)`, 'g');
  return text
    .replace(provider, '$1<provider>')
    .replace(/(<provider>)#\d$/, '$1#<n>')
    .replace(/(<provider>\/)[\w.-]+(\/[\w.-]+)?$/, (_, begin: string, key = '') => `${begin}<name>${key && '/<key>'}`)
    .replace(/(<provider>\/<name>)-[A-Za-z]{6}$/, '$1');
};

/** The part of an ARN after the account, without the suffixes of CloudFormation and services. */
const resourceShape = (arn: string, account: AwsAccount): string => {
  const whole = arn.replace(/:log-stream:.*|:\*$/, '');
  const known = account.pathOfArn(whole);
  if (known !== undefined) return shapeOf(known);
  const rest = whole.replace(/^arn:[^:]+:[^:]+:[^:]*:\d*:/, '');
  return shapeOf(rest.replace(/^[a-z0-9]+\/\$default/, '$default').replace(/^key\/[\w-]+$/, 'the key of secrets'));
};

const conditionShape = ({ Condition }: Statement): string => {
  const keys = Object.values(isObject(Condition) ? Condition : {}).flatMap(values =>
    asTexts(isObject(values) ? values['dynamodb:LeadingKeys'] : undefined),
  );
  return [...new Set(keys.filter(key => key !== 'false').map(shapeOf))].join(' ');
};

/** Counts used and refused permissions; lists those that are allowed but unused. */
export class PermissionLedger {
  readonly #account: AwsAccount;
  readonly #used = new Map<string, number>();
  readonly #proven = new Set<string>();
  readonly refused: string[] = [];

  constructor(account: AwsAccount) {
    this.#account = account;
  }

  record({ as }: Request, verdicts: readonly Verdict[]): void {
    for (const { need, allowed, by } of verdicts) {
      if (!allowed) {
        const keys = asTexts(need.context['dynamodb:LeadingKeys']).join(' ');
        this.refused.push(`${as}: ${need.action} on ${resourceShape(need.resource, this.#account)} ${keys}`.trimEnd());
        continue;
      }
      const keys = asTexts(need.context['dynamodb:LeadingKeys']).map(shapeOf);
      const resource = resourceShape(need.resource, this.#account);
      const row = [shapeOf(as), need.action, [resource, ...new Set(keys)].join(' ')].join(' | ');
      this.#used.set(row, (this.#used.get(row) ?? 0) + 1);
      // If two statements allow it, neither is proven necessary. If one is of a role and one of a resource, both are
      // needed.
      for (const holder of new Set(by.map(each => each.holder))) {
        const own = by.filter(each => each.holder === holder);
        const [only] = own;
        if (only && (own.length === 1 || !this.#account.roles.has(holder))) {
          for (const each of own) this.#proven.add(this.#nameOf(each));
        }
      }
    }
  }

  /** A line for each action on each kind of thing: how often, by which role. */
  table(): readonly string[] {
    return [...this.#used]
      .map(([row, times]) => `${String(times).padStart(5)}  ${row}`)
      .toSorted((a, b) => (a.slice(7) < b.slice(7) ? -1 : 1));
  }

  /** Permissions in the policies of the package's own roles and resources that nothing needed. */
  unused(excuses: readonly Excuse[]): readonly string[] {
    const allowed = new Set([...this.#permissions()].map(each => this.#nameOf(each)));
    const stale = excuses.filter(({ permission }) => !allowed.has(permission) || this.#proven.has(permission));
    const excused = new Set(excuses.map(({ permission }) => permission));
    return [
      ...[...allowed].filter(name => !this.#proven.has(name) && !excused.has(name)).map(name => `not used: ${name}`),
      ...stale.map(({ permission }) => `excused without need: ${permission}`),
    ];
  }

  *#permissions(): Generator<Permission> {
    const { roles, resourcePolicies } = this.#account;
    for (const { label, policies } of roles.values()) {
      if (!/^(Refresh|Watch|Api|Schedules|Readers)\//.test(label)) continue;
      for (const { Statement } of policies) yield* partsOf(label, Statement);
    }
    for (const [arn, { Statement }] of resourcePolicies) {
      // A key's first statement leaves access to the policies of roles, which are checked separately.
      const own = Statement.filter(({ Effect, Action }) => Effect === 'Allow' && Action !== 'kms:*');
      // Permissions of functions come with routes, and overlap.
      if (!arn.includes(':lambda:')) yield* partsOf(arn, own);
    }
  }

  #nameOf({ holder, action, resource, statement }: Permission): string {
    const who = this.#account.roles.has(holder) ? shapeOf(holder) : resourceShape(holder, this.#account);
    const what = [resourceShape(resource, this.#account), conditionShape(statement)].filter(Boolean).join(' ');
    return `${who} | ${action} | ${what}`;
  }
}

function* partsOf(holder: string, statements: readonly Statement[]): Generator<Permission> {
  for (const statement of statements) {
    for (const action of asTexts(statement.Action)) {
      for (const resource of asTexts(statement.Resource)) yield { holder, action, resource, statement };
    }
  }
}
