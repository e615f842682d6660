import {
  Grant,
  type IGrantable,
  type IPrincipal,
  type IRole,
  ManagedPolicy,
  PolicyStatement,
} from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { SettingsError } from './options.ts';

/** One kind of grant: a statement about a list of texts. */
export interface Kind {
  readonly id: string;
  /** How many characters the list may have, of the 6,144 that IAM gives a managed policy. */
  readonly room: number;
  /** The length of a text once it is deployed, with the names that are known only then. */
  lengthOf(text: string): number;
  statementOf(texts: readonly string[]): PolicyStatement;
}

/**
 * The first list is in the role's own policy, each further one in a managed policy. A role has ten of these, and a function needs
 * one for itself.
 */
const MOST_LISTS = 10;

/** The sorted texts in as few lists as possible. One more text never needs fewer lists. */
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

/** A statement that is complete only when the template is made. */
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

/** All that grantees are granted, in as few statements and policies as possible. */
export class CollectedGrants {
  readonly #id: string;
  readonly #held = new Map<IPrincipal, Map<string, Held>>();
  readonly #once = new Map<IPrincipal, Grant>();

  /** `id` is unique in the app: the ids of policies begin with it. */
  constructor(id: string) {
    this.#id = id;
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
    const all = [...kinds.values()].reduce((sum, { statements }) => sum + statements, lists - held.statements);
    if (!isRole(principal) || all > MOST_LISTS) throw tooMany(principal);
    new ManagedPolicy(principal, `${this.#id}-${kind.id}-${lists}`, {
      statements: [lateStatement(kind, held.texts, held.statements)],
      roles: [principal],
    });
    held.statements = lists;
    return held.grant;
  }

  /** What every grantee gets, however often. */
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

/** `Grant` makes its statements itself: the grantee that it gets here adds ours. */
const grantOf = (grantee: IGrantable, statement: PolicyStatement): Grant => {
  const principal = grantee.grantPrincipal;
  const adding = { value: () => principal.addToPrincipalPolicy(statement) };
  const grantPrincipal: IPrincipal = Object.create(principal, { addToPrincipalPolicy: adding });
  return Grant.addToPrincipal({ grantee: { grantPrincipal }, actions: [], resourceArns: [] });
};

const isRole = (principal: IPrincipal): principal is IRole =>
  Construct.isConstruct(principal) && 'roleArn' in principal;

const tooMany = (principal: IPrincipal): SettingsError => {
  const name = Construct.isConstruct(principal) ? principal.node.path : 'The grantee';
  return new SettingsError(
    `${name} must be granted fewer connections, because IAM limits the size of its policies: grant "<provider>/<name>/*" for all ` +
      'connections of a secret, or use grantReadProvider.',
  );
};
