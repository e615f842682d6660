import axios from 'axios';
import type { TokenClient } from 'token-refresher/client';

/** An axios whose requests have the token of a connection. */
export const axiosFor = (tokens: TokenClient, connection: string) => {
  const http = axios.create({ adapter: 'fetch', env: { fetch: tokens.fetchFor(connection) } });
  http.interceptors.request.use(async config => ({ baseURL: (await tokens.get(connection)).baseUrl, ...config }));
  return http;
};
