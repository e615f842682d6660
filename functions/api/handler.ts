import middy, { type MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { ApiDeps } from '../../lib/api/deps.ts';
import { type HttpAnswer, problem } from '../../lib/api/problem.ts';
import { serve } from '../../lib/api/serve.ts';

/** The part of an HTTP API's event (payload format 2.0) that is read. */
export type ApiEvent = Pick<APIGatewayProxyEventV2, 'rawPath' | 'queryStringParameters' | 'body'> & {
  readonly isBase64Encoded?: boolean;
  readonly requestContext: { readonly http: { readonly method: string } };
};

const result = ({ status, headers, body }: HttpAnswer): APIGatewayProxyStructuredResultV2 => ({
  statusCode: status,
  headers: { ...headers },
  body,
});

/** Turns every exception into a problem document without the exception's message. */
const problemDocuments = (onError: (error: unknown) => void): MiddlewareObj => ({
  onError: request => {
    onError(request.error);
    request.response = result(problem('internal_error', 'Try again; if it stays, see the logs of the api function.'));
  },
});

/** The gateway encodes a body whose content type is not text. */
const bodyOf = ({ body, isBase64Encoded }: ApiEvent): string | undefined =>
  body !== undefined && isBase64Encoded ? Buffer.from(body, 'base64').toString('utf8') : body;

export const apiHandler = (deps: ApiDeps, onError: (error: unknown) => void) =>
  middy<ApiEvent, APIGatewayProxyStructuredResultV2>()
    .use(problemDocuments(onError))
    .handler(async event => {
      const { rawPath, queryStringParameters, requestContext } = event;
      const query = queryStringParameters ?? {};
      const body = bodyOf(event);
      const question = {
        method: requestContext.http.method,
        path: rawPath,
        query,
        ...(body !== undefined && { body }),
      };
      return result(await serve(deps, question));
    });
