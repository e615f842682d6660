import middy, { type MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { type HttpAnswer, problem } from '../../lib/api/problem.ts';
import { type ApiDeps, serve } from '../../lib/api/serve.ts';

/** The part of an HTTP API's event (payload format 2.0) that is read. */
export type ApiEvent = Pick<APIGatewayProxyEventV2, 'rawPath' | 'queryStringParameters'> & {
  readonly requestContext: { readonly http: { readonly method: string } };
};

const result = ({ status, headers, body }: HttpAnswer): APIGatewayProxyStructuredResultV2 => ({
  statusCode: status,
  headers: { ...headers },
  body,
});

/** Whatever goes wrong inside, the reader gets a problem document and none of its words. */
const problemDocuments = (onError: (error: unknown) => void): MiddlewareObj => ({
  onError: request => {
    onError(request.error);
    request.response = result(problem('internal_error', 'Try again; if it stays, see the logs of the api function.'));
  },
});

export const apiHandler = (deps: ApiDeps, onError: (error: unknown) => void) =>
  middy<ApiEvent, APIGatewayProxyStructuredResultV2>()
    .use(problemDocuments(onError))
    .handler(async event => {
      const { rawPath, queryStringParameters, requestContext } = event;
      const query = queryStringParameters ?? {};
      return result(await serve(deps, { method: requestContext.http.method, path: rawPath, query }));
    });
