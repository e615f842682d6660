import { type Mutant, mutantsOf } from './mutant.ts';

const tests = ['test/observe'];

export const observe: readonly Mutant[] = [
  ...mutantsOf('lib/observe/transitions.ts', tests, [
    ['what was published is published again', 'collected.splice(0)', 'collected.slice()'],
    ['an event of nothing is published', 'if (batch.length > 0) await publish', 'await publish'],
    ['a publication that fails, fails the invocation', '.catch(failed)', ''],
    ['a publication that fails is told nobody', '.catch(failed)', '.catch(() => {})'],
    ['an invocation ends before its publication', 'await publish(batch)', 'void publish(batch)'],
    ['what changed in an invocation that failed waits for the next', 'onError: flush', 'onError: () => {}'],
    ['what changed waits until an invocation fails', 'after: flush', 'after: () => {}'],
    ['a run that may have changed something is not logged', 'observer.refresh(report);', ''],
  ]),
  ...mutantsOf('lib/observe/measure.ts', tests, [
    ['trouble that there is not costs a metric', 'value > 0 ? [{', 'value >= 0 ? [{'],
    ['what is counted is not emitted', 'value > 0 ? [{', 'value > 1 ? [{'],
    ['nothing is ever refreshed', "result === 'refreshed' ? 1 : 0", '0'],
    ['every run is one that refreshed', "result === 'refreshed' ? 1 : 0", '1'],
    ['a failed run did not fail', "result === 'failed' || result === 'attention'", "result === 'attention'"],
    ['a refused run did not fail', "result === 'failed' || result === 'attention'", "result === 'failed'"],
    ['a budget that is used up is not seen', "result === 'postponed' ? 1 : 0", '0'],
    ['every run is postponed', "result === 'postponed' ? 1 : 0", '1'],
    ['a commit that failed is not counted', 'commitFailed ? 1 : 0', '0'],
    ['every commit failed', 'commitFailed ? 1 : 0', '1'],
    [
      'a run that could not be claimed is not counted',
      'measureUnclaimed = (): readonly Sample[] => count(names.commitFailures, 1)',
      'measureUnclaimed = (): readonly Sample[] => count(names.commitFailures, 0)',
    ],
    [
      'nothing at all is overdue, and the schedule seems to be dead',
      "{ name: names.oldestOverdue, unit: 'Milliseconds', value: report.oldestOverdue },",
      "...(report.oldestOverdue > 0 ? [{ name: names.oldestOverdue, unit: 'Milliseconds' as const, value: report.oldestOverdue }] : []),",
    ],
    ['a tick without connections has a lowest life', 'report.connections > 0', 'true'],
    ['one connection is none', 'report.connections > 0', 'report.connections > 1'],
    ['dying tokens are not seen', 'report.connections > 0', 'false'],
    ['nobody is said to need attention', '...count(names.needsAttention, report.byStatus.attention),', ''],
    [
      'who is failing is said to need attention',
      'report.byStatus.attention',
      'report.byStatus.attention + report.byStatus.failing',
    ],
    [
      'a discovery without problems has no heartbeat',
      "{ name: names.discoveryProblems, unit: 'Count', value: problems.length },",
      '...count(names.discoveryProblems, problems.length),',
    ],
    ['a broken record is not counted', 'count(names.brokenRecords, 1)', 'count(names.brokenRecords, 0)'],
  ]),
  ...mutantsOf('lib/observe/metrics.ts', tests, [
    ['what a provider measures is looked for among all', 'provider !== undefined && {', 'false && {'],
    [
      'what all measure is looked for at a provider without a name',
      '...(provider !== undefined && { [PROVIDER]: provider })',
      '[PROVIDER]: provider as string',
    ],
  ]),
  ...mutantsOf('lib/observe/powertools.ts', tests, [
    ['what a provider measures is measured for all', 'provider !== undefined && {', 'false && {'],
    ['an invocation that measured nothing warns of it', 'if (metrics.hasStoredMetrics()) ', ''],
    ['measures of an invocation that failed are lost', 'onError: publish', 'onError: () => {}'],
    ['measures of an invocation wait until one fails', 'after: publish', 'after: () => {}'],
    ['runs are not measured', 'emit(metrics, measureRefresh(report));', ''],
    ['runs are not logged', 'log.refresh(report);', ''],
    ['runs that could not be claimed are not measured', 'emit(metrics, measureUnclaimed());', ''],
    ['runs that could not be claimed are not logged', 'log.unclaimed(connection, code);', ''],
    ['ticks are not measured', 'emit(metrics, measureSweep(report));', ''],
    ['ticks are not logged', 'log.sweep(report);', ''],
    ['discoveries are not measured', 'emit(metrics, measureDiscovery(report));', ''],
    [
      'problems of a discovery are not named',
      "for (const problem of report.problems) logger.warn('discovery problem', { ...problem });",
      '',
    ],
    ['broken records are not measured', 'emit(metrics, measureBrokenRecord());', ''],
    [
      'an error’s line holds all that its report brought along',
      "logger.error('refresh', line)",
      "logger.error('refresh', { ...report })",
    ],
    [
      'a warning’s line holds all that its report brought along',
      "logger.warn('refresh', line)",
      "logger.warn('refresh', { ...report })",
    ],
    ['a run that needs a person is no error', "result === 'attention' || commitFailed", 'commitFailed'],
    ['a commit that failed is no error', "result === 'attention' || commitFailed", "result === 'attention'"],
    ['a run that failed is no warning', "result === 'failed' || warnings.length > 0", 'warnings.length > 0'],
    ['a warning is none', "result === 'failed' || warnings.length > 0", "result === 'failed'"],
    ['an error is told as an object', 'error instanceof Error ? error.name : typeof error', 'typeof error'],
    [
      'what is thrown and no error breaks the log',
      'error instanceof Error ? error.name : typeof error',
      '(error as Error).name',
    ],
    ['an error of ours is told without its code', 'error instanceof RefresherError &&', 'false &&'],
    [
      'an error’s words are told, whoever’s they are',
      'error instanceof RefresherError && { code: error.code, detail: error.message }',
      'error instanceof Error && { detail: error.message }',
    ],
  ]),
  ...mutantsOf(
    'lib/core/interpret.ts',
    ['test/core'],
    [
      ['who waited or came too early is refused', 'if (status === 408 || status === 425) return', 'if (false) return'],
      [
        'a request that took too long to come is refused',
        'if (status === 408 || status === 425)',
        'if (status === 425)',
      ],
      ['a request that came too early is refused', 'if (status === 408 || status === 425)', 'if (status === 408)'],
      [
        'who waited or came too early comes back when it likes',
        "{ kind: 'retry', code: 'request_rejected', status, ...later }",
        "{ kind: 'retry', code: 'request_rejected', status }",
      ],
    ],
  ),
];
