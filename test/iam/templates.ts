import { hasArn, type JsonObject, type Place, Resolver, type Resource, type Stack } from './stacks.ts';

interface Resolved {
  readonly path: string;
  /** The value of `Ref`. */
  physical(): string;
  readonly properties: JsonObject;
  arn(): string;
}

/** The resources of stacks in one account and region. */
export class Templates {
  readonly place: Place;
  readonly #stacks: readonly Stack[];
  readonly #resolver: Resolver;
  readonly #paths: ReadonlyMap<string, string>;

  constructor(place: Place, stacks: readonly Stack[]) {
    this.place = place;
    this.#stacks = stacks;
    this.#resolver = new Resolver(place, stacks);
    this.#paths = new Map(
      this.#each(({ Type }) => hasArn(Type)).map(([stack, id, resource]) => [
        withoutStreams(this.#resolver.arnOf(stack, id)),
        pathOf(id, resource),
      ]),
    );
  }

  /** Every resource of a type, with its properties resolved. */
  all(type: string): readonly Resolved[] {
    return this.#each(({ Type }) => Type === type).map(([stack, id, resource]) => ({
      path: pathOf(id, resource),
      physical: () => stack.physical(id),
      properties: this.#resolver.value(stack, resource.Properties) as JsonObject,
      arn: () => this.#resolver.arnOf(stack, id),
    }));
  }

  /** The ARN of the one resource at a path of constructs: `Storage/Tokens`. */
  arnAt(path: string): string {
    const [stack, id] = this.#at(path);
    return this.#resolver.arnOf(stack, id);
  }

  physicalAt(path: string): string {
    const [stack, id] = this.#at(path);
    return stack.physical(id);
  }

  /** The construct path of an ARN. */
  pathOfArn(arn: string): string | undefined {
    return this.#paths.get(withoutStreams(arn));
  }

  #at(path: string): readonly [Stack, string, Resource] {
    const [found] = this.#each((resource, id) => pathOf(id, resource) === path);
    if (!found) throw new Error(`no resource is at ${path}`);
    return found;
  }

  #each(matches: (resource: Resource, id: string) => boolean): readonly (readonly [Stack, string, Resource])[] {
    return this.#stacks.flatMap(stack =>
      Object.entries(stack.template.Resources)
        .filter(([id, resource]) => matches(resource, id))
        .map(([id, resource]) => [stack, id, resource] as const),
    );
  }
}

/** A log group without its streams, as policies refer to it. */
const withoutStreams = (arn: string): string => arn.replace(/:log-stream:.*$|:\*$/, '');

/** The path of a resource below its stack, without the package's own construct. */
const pathOf = (id: string, { Metadata }: Resource): string =>
  String(Metadata?.['aws:cdk:path'] ?? id)
    .replace(/^TokenRefresher\/TokenRefresher\//, '')
    .replace(/\/(Resource|Default)$/, '');
