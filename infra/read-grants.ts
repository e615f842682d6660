import { Grant, type IGrantable, type IPrincipal, type PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';
import { items, tableKey } from './statements.ts';

/**
 * The length of the keys of one statement. A policy of a role holds 10,240 characters and a managed one 6,144: the CDK moves
 * statements that do not fit to managed policies, of which a role has ten, and two of this length fit into one.
 */
const LONGEST = 2700;

/** A statement that more keys are added to. */
interface Open {
  readonly grant: Grant;
  readonly keys: string[];
  length: number;
}

type Match = 'exactly' | 'like';

/** Grants of tokens: as few statements for each grantee as hold all its connections. */
export class ReadGrants {
  readonly #scope: IConstruct;
  readonly #tableArn: string;
  readonly #keyArn: string;
  readonly #keyGrants = new Map<IPrincipal, Grant>();
  readonly #open: Readonly<Record<Match, Map<IPrincipal, Open>>> = { exactly: new Map(), like: new Map() };

  constructor(scope: IConstruct, tableArn: string, keyArn: string) {
    this.#scope = scope;
    this.#tableArn = tableArn;
    this.#keyArn = keyArn;
  }

  /** `like`: the key is a pattern. */
  add(grantee: IGrantable, match: Match, key: string): Grant {
    const { grantPrincipal } = grantee;
    const open = this.#open[match];
    const current = open.get(grantPrincipal);
    const length = key.length + '"",'.length;
    const closed = current?.grant.principalStatements.some(({ frozen }) => frozen);
    if (!current || closed || current.length + length > LONGEST) {
      const grant = granted(grantee, items(this.#tableArn, ['GetItem'], keysOf(match, [key])));
      open.set(grantPrincipal, { grant, keys: [key], length });
      return grant.combine(this.#keyGrant(grantee));
    }
    if (!current.keys.includes(key)) {
      current.keys.push(key);
      current.length += length;
      const { conditions } = items(this.#tableArn, ['GetItem'], keysOf(match, current.keys));
      for (const statement of current.grant.principalStatements) statement.addConditions(conditions);
    }
    return current.grant.combine(this.#keyGrant(grantee));
  }

  #keyGrant(grantee: IGrantable): Grant {
    const { grantPrincipal } = grantee;
    const grant = this.#keyGrants.get(grantPrincipal) ?? granted(grantee, tableKey(this.#scope, this.#keyArn));
    this.#keyGrants.set(grantPrincipal, grant);
    return grant;
  }
}

const keysOf = (match: Match, keys: readonly string[]) => (match === 'like' ? { like: keys } : { exactly: keys });

export const granted = (grantee: IGrantable, statement: PolicyStatement): Grant =>
  Grant.addToPrincipal({
    grantee,
    actions: statement.actions,
    resourceArns: statement.resources,
    conditions: statement.conditions,
  });
