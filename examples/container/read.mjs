// Prints until when the token of a connection is valid. It needs no package. A deployed app uses token-refresher/client,
// which sends no key over plain HTTP to another host.
const { TOKENS_API_URL, TOKEN_REFRESHER_KEY } = process.env;
const [connection] = process.argv.slice(2);
const answer = await fetch(`${TOKENS_API_URL}/tokens/${connection}`, {
  headers: { authorization: `Bearer ${TOKEN_REFRESHER_KEY}` },
});
const token = await answer.json();
if (!answer.ok) throw new Error(`${answer.status}: ${token.code ?? token.detail}`);
console.log(`${token.connection} is valid until ${token.expiresAt}`);
