import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { parseArgs } from 'node:util';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { createTables } from '../lib/aws/tables.ts';
import { secretPrefixOf } from '../lib/core/deployment.ts';
import { localClients } from '../test/kit/aws.ts';
import { record } from '../tools/figures/section.ts';
import { type SimulatedEndpoints, type Synthesized, synthesizedFunctions, tablesOf } from './memory/functions.ts';
import { type MeasuredMemory, measure } from './memory/measure.ts';
import { endAll, startServer } from './memory/process.ts';
import {
  type Customers,
  type MemoryScenario,
  memoryCustomersOf,
  memoryScenarios,
  PROVIDER_HOST,
} from './memory/scenario.ts';

/** How much memory each function needs with many connections: measures the deployed bundles from outside. */

/** In MB, in addition to the function's memory before its first event. */
const ALLOWED = 128;

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '10000' },
    record: { type: 'boolean', default: false },
    scenario: { type: 'string', multiple: true, default: memoryScenarios.map(({ title }) => title) },
  },
});
const count = Number(values.connections);

const say = (text: string): void => console.error(`${new Date().toISOString().slice(11, 19)} ${text}`);

const makeCertificate = () => {
  const folder = mkdtempSync(join(tmpdir(), 'memory-tls-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const [key, file] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const made = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=made-up';
  const names = ['-addext', `subjectAltName=IP:127.0.0.1,DNS:${PROVIDER_HOST}`];
  execFileSync('openssl', [...made.split(' '), ...names, '-keyout', key, '-out', file], { stdio: 'ignore' });
  return { file, key: readFileSync(key, 'utf8'), cert: readFileSync(file, 'utf8') };
};

/** Tables without items, and the secrets of all customers. */
const prepare = async (endpoint: string, functions: readonly Synthesized[], { secrets }: Customers) => {
  const { dynamodb, secretsManager } = localClients({ endpoint });
  await createTables(dynamodb, tablesOf(functions));
  const prefix = secretPrefixOf(functions[0]?.environment.DEPLOYMENT ?? '');
  for (const [name, SecretString] of secrets) {
    await secretsManager.send(new CreateSecretCommand({ Name: `${prefix}${name}`, SecretString }));
  }
  dynamodb.destroy();
  secretsManager.destroy();
};

const run = async (scenario: MemoryScenario, functions: readonly Synthesized[]): Promise<readonly MeasuredMemory[]> => {
  const [aws, provider] = [await startServer('aws', certificate), await startServer('provider', certificate)];
  const customers = memoryCustomersOf(scenario, count, `https://${PROVIDER_HOST}:${provider}`);
  await prepare(`https://127.0.0.1:${aws}`, functions, customers);
  say(`${scenario.title}: ${customers.connections.length} connections in ${customers.secrets.size} secrets`);
  const world: SimulatedEndpoints = { aws, provider, certificate: certificate.file };
  const measured = await measure(functions, world, customers, ({ name, what, idle, peak }, took) => {
    say(
      `  ${name}, ${what}: ${Math.round(peak - idle)} MB above ${Math.round(idle)} MB, in ${Math.round(took / 1000)} s`,
    );
  });
  endAll();
  return measured;
};

const row = (scenario: MemoryScenario, { name, what, idle, peak }: MeasuredMemory): string => {
  const numbers = [idle, peak, peak - idle].map(Math.round);
  return `| ${[scenario.title, `\`${name}\``, what, ...numbers].join(' | ')} |`;
};

const certificate = makeCertificate();
tls.setDefaultCACertificates([...tls.getCACertificates('default'), certificate.cert]);
process.once('exit', endAll);

const functions = await synthesizedFunctions();
const chosen = memoryScenarios.filter(({ title }) => values.scenario.includes(title));
const rows: string[] = [];
let most = 0;
for (const scenario of chosen) {
  const measured = await run(scenario, functions);
  rows.push(...measured.map(each => row(scenario, each)));
  most = Math.max(most, ...measured.map(({ idle, peak }) => Math.round(peak - idle)));
}
if (most > ALLOWED) process.exitCode = 1;
const lines = [
  '| tokens | function | while | idle | peak | above idle |',
  '|---|---|---|---:|---:|---:|',
  ...rows,
  '',
  `The most above idle is ${most} MB.`,
];
console.log(lines.join('\n'));
if (values.record) record('docs/reliability.md', 'memory', lines.join('\n'));
if (process.exitCode === 1) console.log(`\nMore than ${ALLOWED} MB above idle.`);
