/**
 * How long a source may take, in milliseconds: `short` if a valid token is cached. With the SDK's own retries; with a
 * valid token the API answers within 5 s, and API Gateway ends every request after 30.
 */
export const tablePatience = { short: 3000, long: 5000 };
export const apiPatience = { short: 6000, long: 30_000 };

/** A fetch from one source, and then from the other. */
export const longestFetch = tablePatience.long + apiPatience.long;
