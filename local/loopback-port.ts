import { isLoopback } from '../lib/core/hosts.ts';

/** The port in a `Host` header that names this machine; undefined if it names another one, or none. */
export const loopbackPort = (host: string | undefined): number | undefined => {
  if (host === undefined || !/^[^/\\?#@\s]+$/.test(host) || !URL.canParse(`http://${host}`)) return undefined;
  const { hostname, port } = new URL(`http://${host}`);
  return isLoopback(hostname) ? Number(port || 80) : undefined;
};
