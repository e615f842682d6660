import { expect, it } from 'vitest';
import { isHostPattern, isLoopback, isOnHosts, staysOnMachine } from '../../lib/core/hosts.ts';

const hosts = ['api.example.com', '*.powerepos.cloud'];

it.each([
  'https://api.example.com',
  'https://API.example.com/v1',
  'https://api.example.com:443/v1',
  'https://eu.powerepos.cloud',
  'https://a.b.powerepos.cloud/x',
])('%s is on the hosts', address => expect(isOnHosts(address, hosts)).toBe(true));

it.each([
  'http://api.example.com',
  'https://api.example.com:8443',
  'https://api.example.com.',
  'https://example.com',
  'https://xapi.example.com',
  'https://powerepos.cloud',
  'https://evilpowerepos.cloud',
  'https://eu.powerepos.cloud.evil.example',
  'https://eu.powerepos.cloud@evil.example',
  'https://evil.example/eu.powerepos.cloud',
  'https://evil.example#.powerepos.cloud',
  'https://eu.powerepοs.cloud',
  'https://169.254.169.254',
  'https://[::1]',
  'https://2852039166',
  'nonsense',
  '',
])('%s is not', address => expect(isOnHosts(address, hosts)).toBe(false));

it('a host of a setting is a name, or one below a name', () => {
  for (const good of ['a.example', '*.a.example', 'x-1.a.co'])
    expect([good, isHostPattern(good)]).toEqual([good, true]);
  const bad = [
    '',
    '*',
    '*.',
    'example',
    '*.*.com',
    'a.*.com',
    'https://a.com',
    'a.com/x',
    'a.com:1',
    '10.0.0.1',
    'A.com',
    'a..com',
  ];
  for (const host of bad) expect([host, isHostPattern(host)]).toEqual([host, false]);
});

it('requests to this machine, or of a container to its own host, stay on the machine', () => {
  const ofContainers = ['host.docker.internal', 'host.containers.internal'];
  const own = ['localhost', '127.0.0.1', '127.9.9.9', '[::1]'];
  const others = [
    ...['docker.internal', 'gateway.docker.internal', 'host.docker.internal.example', 'xhost.docker.internal'],
    ...['host-docker-internal', 'host.docker.internal.', 'localhost.example', '10.0.0.1', '172.17.0.1', ''],
  ];
  const all = [...ofContainers, ...own, ...others];
  expect(all.filter(staysOnMachine)).toEqual([...ofContainers, ...own]);
  expect(all.filter(isLoopback)).toEqual(own);
});
