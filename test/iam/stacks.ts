import { isObject } from '../../lib/core/json.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

export interface Resource {
  readonly Type: string;
  readonly Properties: JsonObject;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly DependsOn?: readonly string[];
  readonly Metadata?: JsonObject;
}

export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs?: Readonly<Record<string, { readonly Value: unknown; readonly Export?: { readonly Name: string } }>>;
}

/** A synthesized stack, and the physical ids of its resources: the deployed ones, or invented ones. */
export interface Stack {
  readonly template: Template;
  physical(id: string): string;
}

export interface Place {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
}

export const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);
export const asTexts = (value: unknown): readonly string[] => (value === undefined ? [] : asList(value).map(String));
export const lastOf = (text: string, separator: string): string => text.slice(text.lastIndexOf(separator) + 1);

/** The ARN of a resource: the part after the account, by the resource's type. */
const arns: Readonly<Record<string, (physical: string) => string>> = {
  'AWS::DynamoDB::Table': name => `dynamodb:table/${name}`,
  'AWS::Events::EventBus': name => `events:event-bus/${name}`,
  'AWS::IAM::Role': name => `iam:role/${name}`,
  'AWS::KMS::Key': id => `kms:key/${id}`,
  'AWS::Lambda::Function': name => `lambda:function:${name}`,
  'AWS::Logs::LogGroup': name => `logs:log-group:${name}:*`,
  'AWS::Scheduler::ScheduleGroup': name => `scheduler:schedule-group/${name}`,
  'AWS::SNS::Topic': name => `sns:${name}`,
  'AWS::SQS::Queue': url => `sqs:${lastOf(url, '/')}`,
};

export const hasArn = (type: string): boolean => type in arns;

export const arnIn = ({ partition, region, account }: Place, service: string, resource: string): string =>
  `arn:${partition}:${service}:${service === 'iam' ? '' : region}:${account}:${resource}`;

/** Replaces the intrinsic functions of a template by their values. */
export class Resolver {
  readonly #place: Place;
  readonly #stacks: readonly Stack[];

  constructor(place: Place, stacks: readonly Stack[]) {
    this.#place = place;
    this.#stacks = stacks;
  }

  value(stack: Stack, value: unknown): unknown {
    if (Array.isArray(value)) return value.map(each => this.value(stack, each));
    if (!isObject(value)) return value;
    const [[name, operand] = ['', undefined], ...others] = Object.entries(value);
    if (others.length === 0 && (name === 'Ref' || name.startsWith('Fn::')))
      return this.#intrinsic(stack, name, operand);
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, this.value(stack, each)]));
  }

  arnOf(stack: Stack, id: string): string {
    const type = stack.template.Resources[id]?.Type ?? '';
    const physical = stack.physical(id);
    // Some resources use their ARN as physical id.
    if (physical.startsWith('arn:')) return physical;
    const arn = arns[type]?.(physical);
    if (arn === undefined) throw new Error(`the ARN of ${id}, a ${type}, is not known`);
    const [service = ''] = arn.split(':', 1);
    return arnIn(this.#place, service, arn.slice(service.length + 1));
  }

  #intrinsic(stack: Stack, name: string, operand: unknown): unknown {
    if (name === 'Ref') return this.#reference(stack, String(operand));
    if (name === 'Fn::Sub') {
      return String(operand).replace(/\$\{([^}]+)\}/g, (_, each: string) => this.#reference(stack, each));
    }
    if (name === 'Fn::ImportValue') return this.#imported(String(operand));
    if (name === 'Fn::Join' && Array.isArray(operand)) {
      const [separator, parts] = operand;
      return asTexts(this.value(stack, parts)).join(String(separator));
    }
    if (name === 'Fn::Split' && Array.isArray(operand)) {
      return String(this.value(stack, operand[1])).split(String(operand[0]));
    }
    if (name === 'Fn::Select' && Array.isArray(operand)) {
      return asTexts(this.value(stack, operand[1]))[Number(operand[0])];
    }
    if (name === 'Fn::GetAtt' && Array.isArray(operand)) {
      const [id, attribute] = operand.map(String);
      if (attribute === 'Arn') return this.arnOf(stack, id ?? '');
      return `${stack.physical(id ?? '')}.${attribute}`;
    }
    throw new Error(`${name} is not resolved here`);
  }

  #reference(stack: Stack, name: string): string {
    const { partition, region, account } = this.#place;
    const pseudo = { 'AWS::Partition': partition, 'AWS::Region': region, 'AWS::AccountId': account };
    return Reflect.get(pseudo, name) ?? stack.physical(name);
  }

  #imported(name: string): unknown {
    for (const stack of this.#stacks) {
      for (const { Value, Export } of Object.values(stack.template.Outputs ?? {})) {
        if (Export?.Name === name) return this.value(stack, Value);
      }
    }
    throw new Error(`no stack exports ${name}`);
  }
}
