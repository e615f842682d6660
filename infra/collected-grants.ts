import {
  Grant,
  type IGrantable,
  type IPrincipal,
  type IRole,
  ManagedPolicy,
  PolicyStatement,
} from 'aws-cdk-lib/aws-iam';
import { Construct, type IConstruct } from 'constructs';
import { attachedTo } from './attached-policies.ts';
import { SettingsError } from './options.ts';

/** A kind of grant: a statement with a list of texts. */
export interface Kind {
  readonly id: string;
  /** The most characters of the list, out of the 6,144 that IAM allows for a managed policy. */
  readonly room: number;
  /** The length of a text after deployment, with all names resolved. */
  lengthOf(text: string): number;
  statementOf(texts: readonly string[]): PolicyStatement;
}

/** IAM's limit for a role. The first list is in the role's own policy, each further one in a managed policy. */
const MANAGED_POLICIES = 10;

/** The sorted texts in as few lists as possible. Adding a text never reduces the number of lists. */
const listsOf = (texts: ReadonlySet<string>, { room, lengthOf }: Kind): readonly (readonly string[])[] => {
  const lists: string[][] = [];
  let used = room;
  for (const text of [...texts].sort()) {
    const length = lengthOf(text) + '"",'.length;
    used += length;
    if (used > room) {
      lists.push([]);
      used = length;
    }
    lists.at(-1)?.push(text);
  }
  return lists;
};

/** A statement whose content is computed at synthesis. */
class LateStatement extends PolicyStatement {
  readonly #content: () => PolicyStatement;

  constructor(content: () => PolicyStatement) {
    super();
    this.#content = content;
  }

  override freeze(): PolicyStatement {
    if (!this.frozen) {
      const { actions, resources, conditions } = this.#content();
      this.addActions(...actions);
      this.addResources(...resources);
      this.addConditions(conditions);
    }
    return super.freeze();
  }

  /** The CDK validates some policies before it freezes them. */
  override validateForIdentityPolicy(): string[] {
    this.freeze();
    return super.validateForIdentityPolicy();
  }
}

interface Held {
  readonly texts: Set<string>;
  readonly grant: Grant;
  statements: number;
}

/** All grants of all grantees, in as few statements and policies as possible. */
export class CollectedGrants {
  readonly #scope: IConstruct;
  readonly #held = new Map<IPrincipal, Map<string, Held>>();
  readonly #once = new Map<IPrincipal, Grant>();

  /**
   * The ids of policies begin with the path of `scope`. A role with too many policies is reported as an error of
   * `scope`.
   */
  constructor(scope: IConstruct) {
    this.#scope = scope;
    scope.node.addValidation({ validate: () => [...this.#held.keys()].flatMap(overfull) });
  }

  add(grantee: IGrantable, kind: Kind, text: string): Grant {
    const principal = grantee.grantPrincipal;
    const kinds = this.#held.get(principal) ?? new Map<string, Held>();
    this.#held.set(principal, kinds);
    const held = kinds.get(kind.id) ?? this.#begin(grantee, kind);
    kinds.set(kind.id, held);
    held.texts.add(text);
    const lists = listsOf(held.texts, kind).length;
    if (lists === held.statements) return held.grant;
    if (!isRole(principal)) throw new SettingsError(tooMany(principal, 'IAM limits the size of its policies'));
    new ManagedPolicy(principal, `${this.#scope.node.path.replaceAll('/', '-')}-${kind.id}-${lists}`, {
      statements: [lateStatement(kind, held.texts, held.statements)],
      roles: [principal],
    });
    held.statements = lists;
    return held.grant;
  }

  /** Adds a statement that every grantee gets once. */
  addOnce(grantee: IGrantable, statement: PolicyStatement): Grant {
    const grant = this.#once.get(grantee.grantPrincipal) ?? grantOf(grantee, statement);
    this.#once.set(grantee.grantPrincipal, grant);
    return grant;
  }

  #begin(grantee: IGrantable, kind: Kind): Held {
    const texts = new Set<string>();
    return { texts, grant: grantOf(grantee, lateStatement(kind, texts, 0)), statements: 1 };
  }
}

const lateStatement = (kind: Kind, texts: ReadonlySet<string>, n: number): PolicyStatement =>
  new LateStatement(() => kind.statementOf(listsOf(texts, kind)[n] ?? []));

/** `Grant` makes its own statements: this grantee adds ours instead. */
const grantOf = (grantee: IGrantable, statement: PolicyStatement): Grant => {
  const principal = grantee.grantPrincipal;
  const adding = { value: () => principal.addToPrincipalPolicy(statement) };
  const grantPrincipal: IPrincipal = Object.create(principal, { addToPrincipalPolicy: adding });
  return Grant.addToPrincipal({ grantee: { grantPrincipal }, actions: [], resourceArns: [] });
};

const isRole = (principal: IPrincipal): principal is IRole =>
  Construct.isConstruct(principal) && 'roleArn' in principal;

/** Checked for the whole app, since other code adds policies too: a function in a VPC, for example, has two of AWS. */
const overfull = (principal: IPrincipal): string[] => {
  const count = isRole(principal) ? attachedTo(principal) : 0;
  if (count <= MANAGED_POLICIES) return [];
  return [tooMany(principal, `it has ${count} managed policies, and IAM allows ${MANAGED_POLICIES}`)];
};

const tooMany = (principal: IPrincipal, reason: string): string => {
  const name = Construct.isConstruct(principal) ? principal.node.path : 'The grantee';
  return (
    `${name} must be granted fewer connections, because ${reason}: grant "<provider>/<name>/*" for all connections of a secret, ` +
    'use grantReadProvider, or grantInvokeApi without a connection, or divide the connections among several roles.'
  );
};
