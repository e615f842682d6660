import { Meter } from '../../bench/cost/meter.ts';
import { MeteredTables } from '../../bench/cost/tables.ts';
import { connectionTable } from '../../lib/aws/connection-table.ts';
import { limitTable } from '../../lib/aws/limit-table.ts';
import { loginTable } from '../../lib/aws/login-table.ts';
import { sessionTable } from '../../lib/aws/session-table.ts';
import { tokenTable } from '../../lib/aws/token-table.ts';
import { describeStores } from '../contract/stores.ts';
import { memoryStores } from '../kit/memory.ts';

/** What is counted must do what DynamoDB does: the contract of the real adapters holds over it. */
describeStores('the real adapters over the tables that are metered', async () => {
  const tables = new MeteredTables(new Meter());
  const client = tables.client({ principal: 'test', call: async () => {}, useKey: () => {} });
  return {
    stores: {
      ...memoryStores(),
      tokens: tokenTable(client, 'Tokens'),
      connections: connectionTable(client, 'Connections', () => {}),
      limits: limitTable(client, 'Connections'),
      logins: loginTable(client, 'Connections'),
      sessions: sessionTable(client, 'Connections'),
    },
    close: async () => {},
  };
});
