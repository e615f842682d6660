import { createHash } from 'node:crypto';

/** The credentials of a process; the access key names the role. */
export interface RoleCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

export const credentialsOf = (identity: string): RoleCredentials => ({
  accessKeyId: `ASIA${createHash('sha256').update(identity).digest('hex').slice(0, 16).toUpperCase()}`,
  secretAccessKey: 'made-up',
  sessionToken: 'made-up',
});

/** The form in which JSON services name their operations, and the version of their content type. */
const protocols = {
  dynamodb: ['DynamoDB_20120810', '1.0'],
  secretsmanager: ['secretsmanager', '1.1'],
  kms: ['TrentService', '1.1'],
  events: ['AWSEvents', '1.1'],
  sqs: ['AmazonSQS', '1.0'],
} as const;

const isJsonService = (service: string): service is keyof typeof protocols => service in protocols;

/** Whether a call like `kms:Decrypt` can be sent by itself. */
export const canBeSent = (does: string): boolean => isJsonService(does.split(':')[0] ?? '');

/** `dynamodb:GetItem` by the header that names an operation. */
export const operationIn = (target: string): string | undefined => {
  const [prefix, operation] = target.split('.');
  const found = Object.entries(protocols).find(([, [name]]) => name === prefix);
  return found && operation ? `${found[0]}:${operation}` : undefined;
};

export interface Sent {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Sends one call with the given access key. Nobody checks the signature here. */
export const send = async (url: string, accessKeyId: string, does: string, input: object): Promise<Sent> => {
  const [service = '', operation = ''] = does.split(':');
  if (!isJsonService(service)) throw new Error(`${does} cannot be sent`);
  const [target, version] = protocols[service];
  const scope = `${accessKeyId}/20260101/us-east-1/${service}/aws4_request`;
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': `application/x-amz-json-${version}`,
      'x-amz-target': `${target}.${operation}`,
      authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
    },
    body: JSON.stringify(input),
  });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : {} };
};
