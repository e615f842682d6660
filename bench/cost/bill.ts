import { type MonthlyUsage, type Price, prices, type Quantity, quantities } from './prices.ts';

/** A line of a bill. */
export interface Line {
  readonly quantity: Quantity;
  readonly service: string;
  readonly what: string;
  readonly used: number;
  readonly dollars: number;
}

export interface Bill {
  readonly lines: readonly Line[];
  readonly byService: ReadonlyMap<string, number>;
  readonly total: number;
}

/** Whether to subtract AWS's monthly free tier. An account has it once, even if other applications use it too. */
export interface Terms {
  readonly freeTier: boolean;
}

export const dollarsOf = ({ dollars, per, free = 0 }: Price, used: number, { freeTier }: Terms): number =>
  (Math.max(0, used - (freeTier ? free : 0)) / per) * dollars;

/** A month's bill, line by line: usage × price, not rounded. */
export const billOf = (usage: MonthlyUsage, terms: Terms): Bill => {
  const lines = quantities.map((quantity): Line => {
    const price: Price = prices[quantity];
    const used = usage[quantity];
    return { quantity, service: price.service, what: price.what, used, dollars: dollarsOf(price, used, terms) };
  });
  const byService = new Map<string, number>();
  for (const { service, dollars } of lines) byService.set(service, (byService.get(service) ?? 0) + dollars);
  return { lines, byService, total: lines.reduce((sum, { dollars }) => sum + dollars, 0) };
};
