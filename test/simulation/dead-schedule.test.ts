import { describe, expect, test } from 'vitest';
import { NOTICE, noticeOfDeadSchedule } from './dead-schedule.ts';

describe('a schedule that dies', () => {
  test.each(Array.from({ length: 4 }, (_, n) => n + 1))(
    'is reported two minutes before the first ten-minute token expires (%i)',
    { timeout: 60_000 },
    async seed => expect(await noticeOfDeadSchedule(seed)).toBeGreaterThanOrEqual(NOTICE),
  );
});
