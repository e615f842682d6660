import { describe, expect, it } from 'vitest';
import { inFairOrder } from '../../lib/core/fair.ts';
import { type Connection, minutes, plus } from '../../lib/core/types.ts';
import { connectionOf, idOf, START } from '../kit/records.ts';

const working = (name: string, expiresIn: number): Connection =>
  connectionOf(idOf(name), { status: 'healthy', expiresAt: plus(START, minutes(expiresIn)) });
const failing = (name: string, expiresIn: number): Connection => ({
  ...working(name, expiresIn),
  status: 'failing',
  failures: 1,
});
const order = (...due: Connection[]): string[] =>
  inFairOrder(due, minutes(10), START).map(({ connection }) => connection.slice('test-provider/'.length));

describe('the order of due connections', () => {
  it('begins with the token that expires first', () => {
    expect(order(working('late', 9), working('soon', 1), working('middle', 5))).toEqual(['soon', 'middle', 'late']);
  });

  it('puts what never had a token behind what is close to its expiry, and what fails behind what does not', () => {
    const never = connectionOf(idOf('never'));
    const neverAndFails = connectionOf(idOf('never-fails'), { status: 'failing', failures: 3 });
    const mine = [
      neverAndFails,
      never,
      failing('dead', -1),
      failing('fails', 1),
      working('works', 9),
      working('close', 1),
    ];
    expect(order(...mine)).toEqual(['close', 'never', 'works', 'fails', 'dead', 'never-fails']);
  });

  it('gives one turn in four to connections without a first token, even if many tokens are close to expiry', () => {
    const close = Array.from({ length: 5 }, (_, n) => working(`close-${n}`, n / 10));
    expect(order(...close, connectionOf(idOf('a')), connectionOf(idOf('b')))).toEqual([
      ...['close-0', 'close-1', 'close-2', 'a'],
      ...['close-3', 'close-4', 'b'],
    ]);
  });

  it('gives each secret its turn, even if another one holds many connections', () => {
    const packed = Array.from({ length: 4 }, (_, n) => working(`packed/${n}`, 3 + n));
    expect(order(...packed, working('a', 8), working('b', 9))).toEqual([
      ...['packed/0', 'a', 'b', 'packed/1', 'packed/2', 'packed/3'],
    ]);
  });

  it('does not hold a refusal for the rate limit against a connection', () => {
    const limited = {
      ...failing('limited', 1),
      lastError: { code: 'rate_limited', at: START, since: START, times: 1 },
    } as const;
    expect(order(working('works', 9), limited)).toEqual(['limited', 'works']);
  });

  it('keeps every connection exactly once', () => {
    const due = Array.from({ length: 50 }, (_, n) => (n % 3 === 0 ? failing : working)(`s${n % 7}/k${n}`, n - 20));
    expect(order(...due).toSorted()).toEqual(due.map(({ connection }) => connection.slice(14)).toSorted());
  });
});
