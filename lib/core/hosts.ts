/** A host in a definition or a setting: `api.example.com`, or `*.example.com` for one or more labels before it. */
export const isHostPattern = (text: string): boolean =>
  /^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text);

/** Whether an address is `https:`, on the default port, and on one of these hosts. An IP address never matches. */
export const isOnHosts = (address: string, hosts: readonly string[]): boolean => {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol !== 'https:' || url.port !== '') return false;
  const { hostname } = url;
  return hosts.some(host => (host.startsWith('*.') ? hostname.endsWith(host.slice(1)) : hostname === host));
};

/** Whether a host name, as a URL has it, is that of this machine. */
export const isLoopback = (hostname: string): boolean => /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);

/**
 * Whether requests to a host name stay on this machine. Those of a container to the machine that it runs on do too: Docker
 * and Podman have names for that. Only for requests of consumers: it says nothing about who may call.
 */
export const staysOnMachine = (hostname: string): boolean =>
  isLoopback(hostname) || /^host\.(?:docker|containers)\.internal$/.test(hostname);

/** Which addresses the connections of a provider may have. */
export interface AddressRules {
  /** Hosts in addition to those of the definition. */
  readonly hosts: readonly string[];
  /** Whether the `baseUrl` of a secret may be on any host; it then applies to that connection only. */
  readonly ownBaseUrl: boolean;
  /** Whether a secret may name an `http:` address on loopback, which works on a laptop only. */
  readonly loopback: boolean;
}

export const defaultRules: AddressRules = { hosts: [], ownBaseUrl: true, loopback: true };
