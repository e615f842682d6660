/** The part of `oidc-provider` that the tests use; the package has no types. */
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  interface Stored {
    save(): Promise<string>;
  }
  interface Grant extends Stored {
    addOIDCScope(scope: string): void;
  }
  export default class Provider {
    constructor(issuer: string, configuration: Readonly<Record<string, unknown>>);
    callback(): (request: IncomingMessage, response: ServerResponse) => void;
    readonly Grant: new (of: {
      readonly accountId: string;
      readonly clientId: string;
    }) => Grant;
    readonly RefreshToken: new (
      of: Readonly<Record<string, unknown>>,
    ) => Stored;
    readonly Client: { find(id: string): Promise<unknown> };
    on(event: string, heard: (...of: readonly unknown[]) => void): this;
  }
}
