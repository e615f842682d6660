import { createTokenClient } from 'token-refresher/client';

/** One for all invocations of this process. */
const tokens = createTokenClient();
const { CONNECTION = '' } = process.env;

/** Calls the business system's API with the current token. */
export const handler = async (event: { readonly path: string }) => {
  const response = await tokens.fetch(CONNECTION, event.path);
  return { status: response.status, answer: await response.json() };
};
