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
    ['a refresh is no attempt', 'refreshed: 0, ', ''],
    ['a failed run did not fail', 'failed: 1,', 'failed: 0,'],
    ['a refused run did not fail', 'attention: 1 }', 'attention: 0 }'],
    ['calls are not counted', 'count(names.calls, calls)', 'count(names.calls, 0)'],
    ['a store that refuses a whole invocation is not counted', 'error instanceof RefresherError ? 1 : 0', '0'],
    ['a bug counts as a store that refuses', 'error instanceof RefresherError ? 1 : 0', '1'],
    ['a budget that is used up is not seen', "result === 'postponed' ? 1 : 0", '0'],
    ['every run is postponed', "result === 'postponed' ? 1 : 0", '1'],
    ['a commit that failed is not counted', 'commitFailed ? 1 : 0', '0'],
    ['every commit failed', 'commitFailed ? 1 : 0', '1'],
    [
      'a run that could not be claimed is not counted',
      'measureUnclaimed = (): readonly Sample[] => count(names.commitFailures, 1)',
      'measureUnclaimed = (): readonly Sample[] => count(names.commitFailures, 0)',
    ],
    ['the watch has no heartbeat', "{ name: names.longestOverdue, unit: 'NoUnit', value: health.longestOverdue },", ''],
    [
      'a token that runs low is not measured',
      "{ name: names.lowestLife, unit: 'NoUnit', value: health.lowestLife },",
      '',
    ],
    ['attention is not measured', '...count(names.needsAttention, health.byStatus.attention),', ''],
    [
      'a failing connection is said to need attention',
      'health.byStatus.attention',
      'health.byStatus.attention + health.byStatus.failing',
    ],
    [
      'a broken record is not counted',
      'measureBrokenRecord = (): readonly Sample[] => count(names.discoveryProblems, 1)',
      'measureBrokenRecord = (): readonly Sample[] => count(names.discoveryProblems, 0)',
    ],
  ]),
  ...mutantsOf('lib/observe/powertools.ts', tests, [
    ['what a tick measures waits for its end', 'publishNowAndThen();', ''],
    [
      'what the watch sees waits for its end',
      'emit(metrics, measureHealth(health));\n    metrics.publishStoredMetrics();',
      'emit(metrics, measureHealth(health));',
    ],
    [
      'an invocation that measured nothing warns of it',
      'const publish = () => {\n    if (metrics.hasStoredMetrics()) ',
      'const publish = () => {\n    ',
    ],
    ['measures of an invocation that failed are lost', 'onError: failed', 'onError: () => {}'],
    ['measures of an invocation wait until one fails', 'after: publish', 'after: () => {}'],
    ['runs are not measured', 'emit(metrics, measureRefresh(report));', ''],
    ['runs are not logged', 'log.refresh(report);', ''],
    ['runs that could not be claimed are not measured', 'emit(metrics, measureUnclaimed());', ''],
    ['runs that could not be claimed are not logged', 'log.unclaimed(connection, code);', ''],
    ['ticks are not logged', 'sweep: log.sweep', 'sweep: () => {}'],
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
