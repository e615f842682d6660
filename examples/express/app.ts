import express from 'express';
import { createTokenClient, TokenError, type TokenErrorCode } from 'token-refresher/client';

/**
 * A web app that calls a business system with fresh tokens. On your laptop, with the key of `npm start`:
 *
 *     TOKENS_API_URL=http://127.0.0.1:8787 TOKEN_REFRESHER_KEY=… node app.ts
 */

/** Those of other codes are 503: a later request may succeed. */
const statuses: Partial<Record<TokenErrorCode, number>> = { malformed_connection: 400, unknown_connection: 404 };

/** One for the process: all requests share its cache. */
const tokens = createTokenClient();
const app = express();

app.get('/:provider/:name/things', async (request, response) => {
  const { provider, name } = request.params;
  const answer = await tokens.fetch(`${provider}/${name}`, '/things');
  response.status(answer.status).json(await answer.json());
});

app.use((error: unknown, _: express.Request, response: express.Response, next: express.NextFunction) => {
  if (!(error instanceof TokenError)) return next(error);
  if (error.retryAfter !== undefined) response.set('retry-after', String(error.retryAfter));
  response.status(statuses[error.code] ?? 503).json({ code: error.code });
});

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  const address = server.address();
  console.log(`http://127.0.0.1:${typeof address === 'object' ? address?.port : address}`);
});
