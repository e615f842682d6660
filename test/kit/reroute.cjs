const http = require('node:http');
const https = require('node:https');

/**
 * Functions as they are deployed call public addresses over TLS and nothing else. This lets a made-up public origin lead
 * to a server on loopback, beneath everything that the functions do themselves.
 */
module.exports = (origin, target) => {
  const { request } = https;
  https.request = (url, options, done) => {
    if (!String(url).startsWith(`${origin}/`)) return request(url, options, done);
    const { lookup: _, ...rest } = options;
    return http.request(new URL(String(url).replace(origin, target)), rest, done);
  };
  const fetched = globalThis.fetch;
  globalThis.fetch = (url, init) => fetched(String(url).replace(origin, target), init);
  return () => {
    https.request = request;
    globalThis.fetch = fetched;
  };
};
