import { managedPolicy, type PolicyDocument, resourcePoliciesIn } from './policies.ts';
import { asTexts, type JsonObject, type Place, type Stack } from './stacks.ts';
import { Templates } from './templates.ts';

export interface Role {
  /** The path of its construct, without `Role`: `Refresh/officernd`. */
  readonly label: string;
  readonly arn: string;
  readonly policies: readonly PolicyDocument[];
  readonly trust: PolicyDocument;
}

export interface AccountFunction {
  readonly name: string;
  /** The label of its role. */
  readonly role: string;
  /** The name of its log group. */
  readonly logs: string;
  /** The destination of failed events. */
  readonly onFailure?: string;
}

export interface AccountTable {
  readonly arn: string;
  readonly key: string;
  /** The attribute of its partition key. */
  readonly partition: string;
}

export interface Secret {
  readonly arn: string;
  /** The customer-managed key that it is encrypted with. */
  readonly key?: string;
}

/** The account of the synthesized templates: its roles, resources and policies. */
export class AwsAccount extends Templates {
  readonly roles: ReadonlyMap<string, Role>;
  /** By their names. */
  readonly functions: ReadonlyMap<string, AccountFunction>;
  readonly tables: ReadonlyMap<string, AccountTable>;
  /** The keys that topics are encrypted with, by the ARN of the topic. */
  readonly topicKeys: ReadonlyMap<string, string>;
  /** By the ARN of the resource. */
  readonly resourcePolicies: ReadonlyMap<string, PolicyDocument>;
  /** The secret with a name; a missing one has an ARN too. */
  readonly secret: (name: string) => Promise<Secret>;

  constructor(place: Place, stacks: readonly Stack[], secret: (name: string) => Promise<Secret>) {
    super(place, stacks);
    this.secret = secret;
    this.roles = rolesIn(this);
    this.functions = functionsIn(this, this.roles);
    this.tables = tablesIn(this);
    this.topicKeys = topicKeysIn(this);
    this.resourcePolicies = resourcePoliciesIn(this);
  }

  role(label: string): Role {
    const role = this.roles.get(label);
    if (!role) throw new Error(`there is no role ${label}: there are ${[...this.roles.keys()].join(', ')}`);
    return role;
  }
}

const rolesIn = (templates: Templates): ReadonlyMap<string, Role> => {
  const policies = templates.all('AWS::IAM::Policy').map(({ properties }) => properties);
  const roles = templates.all('AWS::IAM::Role').map((role): readonly [string, Role] => {
    const { ManagedPolicyArns, Policies = [], AssumeRolePolicyDocument } = role.properties;
    const attached = [
      ...policies.filter(({ Roles }) => asTexts(Roles).includes(role.physical())),
      ...(Policies as readonly JsonObject[]),
    ].map(({ PolicyDocument }) => PolicyDocument as PolicyDocument);
    const label = role.path.replace(/Role$/, '');
    const all = [...attached, ...asTexts(ManagedPolicyArns).map(managedPolicy)];
    return [label, { label, arn: role.arn(), policies: all, trust: AssumeRolePolicyDocument as PolicyDocument }];
  });
  return new Map(roles);
};

const functionsIn = (templates: Templates, roles: ReadonlyMap<string, Role>): ReadonlyMap<string, AccountFunction> => {
  const labels = new Map([...roles.values()].map(({ arn, label }) => [arn, label]));
  const failures = new Map(
    templates.all('AWS::Lambda::EventInvokeConfig').map(({ properties }) => {
      const { DestinationConfig, FunctionName } = properties as {
        readonly DestinationConfig?: { readonly OnFailure?: { readonly Destination: string } };
        readonly FunctionName: string;
      };
      return [FunctionName, DestinationConfig?.OnFailure?.Destination];
    }),
  );
  const functions = templates.all('AWS::Lambda::Function').map(({ physical, properties }) => {
    const name = physical();
    const { LoggingConfig, Role: role } = properties as { readonly LoggingConfig?: JsonObject; readonly Role: string };
    const logs = String(LoggingConfig?.LogGroup ?? `/aws/lambda/${name}`);
    const onFailure = failures.get(name);
    const fn = { name, role: labels.get(role) ?? role, logs, ...(onFailure !== undefined && { onFailure }) };
    return [name, fn] as const;
  });
  return new Map(functions);
};

const tablesIn = (templates: Templates): ReadonlyMap<string, AccountTable> =>
  new Map(
    templates.all('AWS::DynamoDB::Table').map(table => {
      const { KeySchema, SSESpecification } = table.properties as {
        readonly KeySchema: readonly { readonly AttributeName: string; readonly KeyType: string }[];
        readonly SSESpecification: { readonly KMSMasterKeyId: string };
      };
      const partition = KeySchema.find(({ KeyType }) => KeyType === 'HASH')?.AttributeName ?? '';
      return [table.physical(), { arn: table.arn(), partition, key: SSESpecification.KMSMasterKeyId }];
    }),
  );

const topicKeysIn = (templates: Templates): ReadonlyMap<string, string> =>
  new Map(
    templates.all('AWS::SNS::Topic').flatMap(({ arn, properties: { KmsMasterKeyId: key } }) => {
      return typeof key === 'string' ? [[arn(), key] as const] : [];
    }),
  );
