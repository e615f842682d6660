/** The requests that a reader of the HTTP API makes for a connection: GET of its token, and POST to force a refresh. */
export const readPath = (connection: string): string => `/tokens/${connection}`;
export const forcePath = (connection: string): string => `/tokens/${connection}`;
