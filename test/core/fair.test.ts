import { describe, expect, it } from 'vitest';
import { inFairOrder } from '../../lib/core/fair.ts';
import { type Connection, minutes, plus } from '../../lib/core/types.ts';
import { connectionOf, idOf, START } from '../support/records.ts';

const working = (name: string, expiresIn: number): Connection =>
  connectionOf(idOf(name), { status: 'healthy', expiresAt: plus(START, minutes(expiresIn)) });
const failing = (name: string, expiresIn: number): Connection => ({
  ...working(name, expiresIn),
  status: 'failing',
  failures: 1,
});
const order = (...due: Connection[]): string[] =>
  inFairOrder(due, START).map(({ connection }) => connection.slice('test-provider/'.length));

describe('the order of due connections', () => {
  it('begins with the token that expires first', () => {
    expect(order(working('late', 9), working('soon', 1), working('middle', 5))).toEqual(['soon', 'middle', 'late']);
  });

  it('puts what has a token to lose before what never worked, and what fails behind what does not', () => {
    const never = connectionOf(idOf('never'));
    const neverAndFails = connectionOf(idOf('never-fails'), { status: 'failing', failures: 3 });
    const mine = [neverAndFails, never, failing('dead', -1), failing('fails', 1), working('works', 9)];
    expect(order(...mine)).toEqual(['works', 'fails', 'never', 'dead', 'never-fails']);
  });

  it('gives each secret its turn, however many connections another one holds', () => {
    const packed = Array.from({ length: 4 }, (_, n) => working(`packed/${n}`, n));
    expect(order(...packed, working('a', 8), working('b', 9))).toEqual([
      'packed/0',
      'a',
      'b',
      'packed/1',
      'packed/2',
      'packed/3',
    ]);
  });

  it('keeps every connection exactly once', () => {
    const due = Array.from({ length: 50 }, (_, n) => (n % 3 === 0 ? failing : working)(`s${n % 7}/k${n}`, n - 20));
    expect(order(...due).toSorted()).toEqual(due.map(({ connection }) => connection.slice(14)).toSorted());
  });
});
