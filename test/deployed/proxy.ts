import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Evaluator, Verdict } from '../iam/evaluate.ts';
import type { PermissionLedger } from '../iam/ledger.ts';
import type { Request } from '../iam/requests.ts';
import { credentialsOf, operationIn } from './wire.ts';

export interface ProxyOptions {
  readonly evaluator: Evaluator;
  readonly ledger: PermissionLedger;
  /** The AWS behind it, which allows everything. */
  readonly emulator: string;
  /** Runs a deployed function, which the emulator cannot do. */
  invoke(name: string, event: unknown): Promise<unknown>;
}

export interface RunningProxy {
  readonly url: string;
  /** Runs `effect` once, before the next such call of that role reaches the table. */
  before(as: string, does: string, table: string, effect: () => Promise<void>): void;
  close(): void;
}

interface Effect {
  readonly as: string;
  readonly does: string;
  readonly table: string;
  readonly effect: () => Promise<void>;
}

/** The access key of a role. With its probe key, a call only gets IAM's answer and does nothing. */
export const accessKeyOf = (role: string): string => credentialsOf(role).accessKeyId;
export const probeAccessKeyOf = (role: string): string => credentialsOf(`probe ${role}`).accessKeyId;

/**
 * A proxy before the emulator that does what IAM does: identifies the caller, and refuses what its role does not allow.
 */
export const startIamProxy = async (options: ProxyOptions): Promise<RunningProxy> => {
  const effects: Effect[] = [];
  const server = createServer((request, response) => {
    handle(options, effects, request, response).catch((error: unknown) => {
      options.ledger.refused.push(
        `a call that the proxy could not judge: ${error instanceof Error ? error.message : ''}`,
      );
      response.writeHead(500).end();
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    before: (as, does, table, effect) => void effects.push({ as, does, table, effect }),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};

const handle = async (
  { evaluator, ledger, emulator, invoke }: ProxyOptions,
  effects: Effect[],
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const body = Buffer.concat(await incoming.toArray());
  const { request, probe } = requestIn(incoming, body, [...evaluator.account.roles.keys()]);
  const verdicts = await evaluator.verdicts(request);
  if (!probe) ledger.record(request, verdicts);
  const refused = verdicts.find(({ allowed }) => !allowed);
  if (refused) return refuse(request, refused, response);
  if (probe) return void response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  const happening = effects.findIndex(
    ({ as, does, table }) => as === request.as && does === request.does && table === request.input.TableName,
  );
  if (happening >= 0) for (const { effect } of effects.splice(happening, 1)) await effect();
  if (request.does === 'lambda:Invoke')
    return respondWith(response, await invoke(String(request.input.FunctionName), JSON.parse(body.toString('utf8'))));
  await forward(emulator, incoming, body, response);
};

const respondWith = (response: ServerResponse, result: unknown): void =>
  void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result));

/** The caller, by the access key of the signature, and the request. */
const requestIn = (
  { headers, url = '' }: IncomingMessage,
  body: Buffer,
  roles: readonly string[],
): { readonly request: Request; readonly probe: boolean } => {
  const [, accessKey = '', service = ''] =
    /Credential=([^/,]+)\/\d{8}\/[^/]+\/([^/]+)\/aws4_request/.exec(headers.authorization ?? '') ?? [];
  const role = roles.find(each => accessKey === accessKeyOf(each) || accessKey === probeAccessKeyOf(each));
  if (role === undefined) throw new Error('it is signed by nobody that is known');
  const [, name] = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(url) ?? [];
  const form = service === 'sns' ? Object.fromEntries(new URLSearchParams(body.toString('utf8'))) : undefined;
  const does = name === undefined ? operationOf(headers['x-amz-target'], form) : 'lambda:Invoke';
  if (does === undefined) throw new Error(`${headers['x-amz-target'] ?? url} is not known`);
  if (!does.startsWith(`${service}:`)) throw new Error(`${does} is signed for ${service}`);
  const input =
    name === undefined ? (form ?? JSON.parse(body.toString('utf8'))) : { FunctionName: decodeURIComponent(name) };
  return { request: { as: role, does, input }, probe: accessKey === probeAccessKeyOf(role) };
};

/** From the header with the operation, or from the form of SNS. */
const operationOf = (target: unknown, form: Readonly<Record<string, string>> | undefined): string | undefined =>
  form ? `sns:${form.Action}` : operationIn(String(target));

/** A refusal in AWS's words and in the form of each protocol. */
const refuse = ({ as, does }: Request, { need }: Verdict, response: ServerResponse): void => {
  const why = 'because no identity-based policy allows the action';
  const message = `User: ${as} is not authorized to perform: ${need.action} on resource: ${need.resource} ${why}`;
  const name = 'AccessDeniedException';
  const prefix = /^(dynamodb|sqs):/.test(does) ? 'com.amazon.coral.service#' : '';
  response
    .writeHead(does.startsWith('lambda:') ? 403 : 400, {
      'content-type': 'application/x-amz-json-1.1',
      'x-amzn-errortype': name,
    })
    .end(JSON.stringify({ __type: `${prefix}${name}`, Message: message, message }));
};

const forward = async (emulator: string, incoming: IncomingMessage, body: Buffer, response: ServerResponse) => {
  const kept = ['authorization', 'content-type', 'x-amz-target', 'x-amz-date', 'x-amz-security-token'];
  const headers = Object.fromEntries(
    kept.flatMap(name => (incoming.headers[name] ? [[name, String(incoming.headers[name])]] : [])),
  );
  const answer = await fetch(`${emulator}${incoming.url}`, { method: incoming.method ?? 'POST', headers, body });
  const type = answer.headers.get('content-type') ?? 'application/json';
  response.writeHead(answer.status, { 'content-type': type }).end(Buffer.from(await answer.arrayBuffer()));
};
