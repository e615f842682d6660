import dns from 'node:dns';

/** The name by which a container reaches its machine leads to loopback, as Docker has it lead to the machine. */
const { lookup } = dns;
dns.lookup = (name, ...rest) => lookup(name === 'host.docker.internal' ? '127.0.0.1' : name, ...rest);
