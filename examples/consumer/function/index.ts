import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { readToken } from 'token-refresher/client';

const client = new DynamoDBClient();
const { TOKENS_TABLE = '', CONNECTION = '' } = process.env;

/** Calls the business system's API with the current token. Send its `headers` as they are. */
export const handler = async (event: { readonly path: string }) => {
  const { headers, baseUrl, expiresAt } = await readToken(client, TOKENS_TABLE, CONNECTION);
  const response = await fetch(`${baseUrl}/${event.path}`, { headers, redirect: 'error' });
  return { status: response.status, answer: await response.json(), expiresAt };
};
