import type { IncomingMessage, ServerResponse } from 'node:http';

/** The JSON-1.1 protocol of AWS services: one POST per operation, with the name of the operation in a header. */
export const CONTENT_TYPE = 'application/x-amz-json-1.1';

/** An error in the form of AWS; `type` becomes the class that the SDK throws. */
export class AwsError extends Error {
  readonly type: string;
  constructor(type: string, message: string) {
    super(message);
    this.name = 'AwsError';
    this.type = type;
  }
}

/** The largest request that either service accepts. */
const MAX_BODY = 16 * 1024 * 1024;

/** The whole body; undefined if it is larger than any service accepts. */
export const readBody = async (request: IncomingMessage): Promise<Buffer | undefined> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};

export const jsonAnswerOf = (response: ServerResponse, status: number, body: object): void => {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': CONTENT_TYPE, 'content-length': Buffer.byteLength(text) });
  response.end(text);
};

export const answerError = (response: ServerResponse, error: AwsError): void =>
  jsonAnswerOf(response, 400, { __type: error.type, Message: error.message });

/** The service itself failed: SDKs retry. */
export const answerFailure = (response: ServerResponse, type: string, why: string): void =>
  jsonAnswerOf(response, 500, { __type: type, Message: why });
