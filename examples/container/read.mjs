import { createTokenClient } from 'token-refresher/client';

// Prints until when the token of a connection is valid.
const tokens = createTokenClient();
const [connection] = process.argv.slice(2);
const { expiresAt } = await tokens.get(connection);
console.log(`${connection} is valid until ${new Date(expiresAt).toISOString()}`);
