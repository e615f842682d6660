import { describe, expect, test } from 'vitest';
import { problemCodes } from '../lib/api/answers.ts';
import { type ErrorCode, errorCodes, isErrorCode } from '../lib/core/errors.ts';
import type { News } from '../lib/core/news.ts';
import { defaultPolicy as policy, promised, tickOf } from '../lib/core/policy.ts';
import { minutes } from '../lib/core/types.ts';
import { mailOf } from '../lib/observe/mail.ts';
import { providers } from '../lib/providers/index.ts';
import { cells, codesIn, rowsOf, sectionOf, snippets, tokenFields } from './kit/pages.ts';
import { connectionOf, idOf, START } from './kit/records.ts';
import { textOf } from './kit/repository.ts';

const api = textOf('docs/api.md');

describe('docs/api.md', () => {
  test('explains every error code once', () => {
    const rows = rowsOf(sectionOf(api, 'Every error code')).map(cells);
    const codes = rows.map(([, code = '']) => codesIn(code)[0]);
    expect(codes.toSorted()).toEqual([...new Set([...problemCodes, ...errorCodes])].toSorted());
    for (const [, code, from, means, next] of rows) {
      expect([code, from !== '', means !== '', next !== '']).toEqual([code, true, true, true]);
    }
    for (const [, code = '', from = ''] of rows) {
      const isProblem = problemCodes.some(each => each === codesIn(code)[0]);
      expect([code, /^\d{3}/.test(from)]).toEqual([code, isProblem]);
    }
  });

  test('has a section for each route, which the API and the gateway know', () => {
    const sections = [...api.matchAll(/^## `([A-Z]+) (\/.*)`$/gm)].map(([, method, path]) => `${method} ${path}`);
    const keys = [...textOf('infra/api.ts').matchAll(/HttpRouteKey\.with\('(.+)', HttpMethod\.(\w+)\)/g)];
    const atGateway = keys.map(
      ([, path = '', method]) => `${method} ${path.replace(/\{provider\}.*/, '{connection}')}`,
    );
    expect(sections.toSorted()).toEqual([...new Set(atGateway)].toSorted());
    const leadTo = [...textOf('lib/api/route.ts').matchAll(/readonly to: '(\w+)'/g)].map(([, to]) => to);
    expect(leadTo.length, 'infra/api.ts and docs/api.md need each route of lib/api/route.ts').toBe(sections.length);
  });

  test('has an answer with a token', () => {
    expect(Object.keys(JSON.parse(snippets(api, 'json')[0] ?? ''))).toEqual(tokenFields);
  });

  test('has only codes that need attention for which the runbook and the mails have advice', () => {
    const advised = rowsOf(sectionOf(textOf('docs/runbook.md'), 'attention')).flatMap(row =>
      codesIn(cells(row)[1] ?? ''),
    );
    const needing = rowsOf(sectionOf(api, 'Every error code'))
      .map(cells)
      .filter(([, , , , next = '']) => /(?:^|: )attention\b/.test(next))
      .flatMap(([, code = '']) => codesIn(code));
    expect(needing.length).toBeGreaterThan(15);
    expect(needing.filter(code => !advised.includes(code))).toEqual([]);
    const mailAbout = (code: ErrorCode) => {
      const record = connectionOf(idOf('acme'), { lastError: { code, at: START, since: START, times: 1 } });
      const news: News = { record, fresh: [{ kind: 'attention', at: START }], troubles: [] };
      return mailOf(news, { name: 'any', runbook: 'https://example.com' }, START).text;
    };
    for (const code of needing.filter(isErrorCode)) expect(mailAbout(code)).not.toContain('Look up the code');
  });

  test('says what a minTtl can ask for', () => {
    const inMinutes = ['poweroffice-v2', 'poweroffice-v1'].map(id => {
      const provider = providers.find(each => each.id === id);
      if (!provider) throw new Error(`${id} is a provider`);
      return Number((promised({ ...policy, tick: tickOf(provider) }, provider.lifetime) / minutes(1)).toFixed(6));
    });
    const figures = /That is ([\d.]+) minutes of a token of 20, and ([\d.]+) of a token of 10\./.exec(api) ?? [];
    expect(figures.slice(1).map(Number)).toEqual(inMinutes);
  });
});
