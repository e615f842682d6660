import assert from 'node:assert/strict';
import { connectionKey } from '../../lib/aws/connection-item.ts';
import { toItem } from '../../lib/aws/item.ts';
import { type ConnectionId, hours, minutes } from '../../lib/core/types.ts';
import { writeSection } from '../../tools/figures/section.ts';
import type { CycleStage } from './cycle.ts';
import type { DeliveredMail } from './mails.ts';

const HARBOUR = 'officernd/harbour-desks' as ConnectionId;
const CAMPUS = 'ioffice/campus' as ConnectionId;
const STATION = 'petrosoft/station-7' as ConnectionId;
const MANY = [
  'poweroffice-v1/old-mill',
  'powerepos/corner-cafe',
  'officernd/loft',
] as unknown as readonly ConnectionId[];

/**
 * Creates the records of each trouble, and returns the mails that the deployed watch sends about them. Restores the
 * records afterwards.
 */
export const causeTroubles = async (
  { calls, operator }: CycleStage,
  mails: () => Promise<readonly DeliveredMail[]>,
): Promise<readonly DeliveredMail[]> => {
  const { CONNECTIONS_TABLE = '' } = calls.deployed.watch.environment;
  const now = Date.now();
  const sent: DeliveredMail[] = [];
  const undo: (() => Promise<unknown>)[] = [];
  const change = async (connection: ConnectionId, changes: Readonly<Record<string, unknown>>) => {
    const Key = connectionKey(connection);
    const { Item } = await operator.does('dynamodb:GetItem', { TableName: CONNECTIONS_TABLE, Key });
    undo.push(() => operator.does('dynamodb:PutItem', { TableName: CONNECTIONS_TABLE, Item }));
    for (const [name, value] of Object.entries(toItem(changes)))
      await operator.set(CONNECTIONS_TABLE, Key, name, value);
  };
  const report = async () => {
    await calls.tick('watch');
    sent.push(...(await mails()));
  };
  const lastError = { code: 'provider_error', status: 503, times: 9, at: now, since: now - hours(1) };
  const failing = { status: 'failing', failingSince: now - hours(1), dueAt: now + minutes(1), lastError };
  await change(CAMPUS, { ...failing, issuedAt: now - hours(4), expiresAt: now - minutes(1) });
  await report();
  await change(STATION, { ...failing, issuedAt: now - hours(20), expiresAt: now + hours(4) });
  await report();
  await change(HARBOUR, { dueAt: now - hours(1) });
  await report();
  for (const connection of MANY) await change(connection, { dueAt: now - hours(3) });
  await report();
  for (const restore of undo) await restore();
  assert.deepEqual(
    sent.map(({ Subject }) => Subject),
    [
      'token-refresher: ioffice/campus has no valid token',
      'token-refresher: petrosoft/station-7 has a valid token, but refreshes fail',
      'token-refresher: officernd/harbour-desks is overdue for a refresh',
      'token-refresher: 3 connections are in trouble',
    ],
  );
  return sent;
};

/** Writes the sent mails into docs/runbook.md. */
export const recordMessages = (mails: readonly DeliveredMail[]): void => {
  const shown = mails.map(({ Subject, Message }) =>
    ['```text', `Subject: ${Subject}`, '', Message.trim(), '```'].join('\n'),
  );
  const section = `Mails of the deployed watch, on ${new Date().toISOString().slice(0, 10)}:\n\n${shown.join('\n\n')}`;
  writeSection('docs/runbook.md', 'messages', section);
};
