import { fork } from 'node:child_process';
import { SecretsProvider } from '@aws-lambda-powertools/parameters/secrets';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { createTokenClient, tableSource } from '../lib/client/index.ts';
import { localClients } from '../test/kit/aws.ts';
import { record } from '../tools/figures/section.ts';
import { BENCH_CONNECTION, BENCH_TABLE } from './client/aws.ts';
import { type Compared, compare } from './client/rounds.ts';
import { messageOf, own } from './memory/process.ts';

/** What the client costs its process, as ratios to peers in the same run. Fails if one is over its limit. */

const aws = own(fork(new URL('client/aws.ts', import.meta.url)));
const port = Number(await messageOf(aws));
await messageOf(aws);
const { dynamodb, secretsManager } = localClients({ endpoint: `http://127.0.0.1:${port}` });
const source = tableSource({ tableName: BENCH_TABLE, client: dynamodb });

interface Row {
  readonly what: string;
  readonly measured: string;
  readonly limit: string;
  readonly passes: boolean;
}

const ratioRow = (what: string, limit: number, { ours, theirs, ratio }: Compared): Row => ({
  what,
  measured: `${ratio.toFixed(2)} (${ours.toFixed(1)} µs to ${theirs.toFixed(1)} µs)`,
  limit: `≤ ${limit}`,
  passes: ratio <= limit,
});

const cached = async (): Promise<Row> => {
  const tokens = createTokenClient({ source });
  const provider = new SecretsProvider({ awsSdkV3Client: secretsManager });
  const secret = () => provider.get(BENCH_CONNECTION, { maxAge: 3600 });
  const compared = await compare(() => tokens.get(BENCH_CONNECTION), secret, { rounds: 101, calls: 1000 });
  return ratioRow("a cached get, to a cached getSecret of Powertools' Parameters", 0.5, compared);
};

const cold = async (): Promise<Row> => {
  const input = { TableName: BENCH_TABLE, Key: { connection: { S: BENCH_CONNECTION } }, ConsistentRead: true };
  const ours = () => createTokenClient({ source }).get(BENCH_CONNECTION);
  const compared = await compare(ours, () => dynamodb.send(new GetItemCommand(input)), { rounds: 101, calls: 20 });
  return ratioRow('a cold get, to a bare GetItem', 1.1, compared);
};

const concurrent = async (): Promise<Row> => {
  let reads = 0;
  const counted = {
    ...source,
    get: (...args: Parameters<typeof source.get>) => {
      reads += 1;
      return source.get(...args);
    },
  };
  const tokens = createTokenClient({ source: counted });
  await Promise.all(Array.from({ length: 1000 }, () => tokens.get(BENCH_CONNECTION)));
  const measured = `${reads} ${reads === 1 ? 'read' : 'reads'}`;
  return { what: '1,000 concurrent gets', measured, limit: '1 read', passes: reads === 1 };
};

const rows = [await cached(), await cold(), await concurrent()];
aws.kill();
const lines = rows.map(
  ({ what, measured, limit, passes }) => `| ${what} | ${measured}${passes ? '' : ' **over the limit**'} | ${limit} |`,
);
const table = ['| what | measured | limit |', '|---|---|---|', ...lines].join('\n');
console.log(table);
if (process.argv.includes('--record')) record('docs/consuming.md', 'bench', table);
if (rows.some(({ passes }) => !passes)) process.exitCode = 1;
process.exit();
