import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_PORT, parseOptions, usage } from '../../local/options.ts';
import { UsageError } from '../../local/usage-error.ts';

const complaint = (...args: string[]): string => {
  try {
    parseOptions(args);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return error instanceof UsageError ? error.message : '';
  }
  throw new Error(`${args.join(' ')} was taken`);
};

describe('the options', () => {
  it('are by default simulators and an embedded AWS, at normal speed, on the default port', () => {
    expect(parseOptions([])).toEqual({
      ...{ once: false, json: false, speed: 1 },
      ...{ port: DEFAULT_PORT, host: '127.0.0.1' },
    });
  });

  it('are all read', () => {
    const args = ['--once', '--json', '--speed', '60', '--port', '0', '--data', 'd', '--secrets=s', '--providers', 'p'];
    const folders = { data: 'd', secrets: 's', providers: 'p' };
    expect(parseOptions(args)).toEqual({
      ...{ once: true, json: true, speed: 60 },
      ...{ port: 0, host: '127.0.0.1', ...folders },
    });
    expect(parseOptions(['--host', '0.0.0.0'])).toMatchObject({ host: '0.0.0.0' });
    expect(parseOptions(['--host', '::'])).toMatchObject({ host: '::' });
    expect(parseOptions(['--endpoint', 'http://127.0.0.1:5000'])).toMatchObject({ endpoint: 'http://127.0.0.1:5000' });
    expect(parseOptions(['--endpoint', 'aws'])).toMatchObject({ endpoint: 'aws' });
    expect(parseOptions(['--speed', '1.5'])).toMatchObject({ speed: 1.5 });
  });

  it('are undefined for --help, and the help names each', () => {
    expect(parseOptions(['--help'])).toBeUndefined();
    for (const name of ['once', 'json', 'secrets', 'providers', 'endpoint', 'speed', 'port', 'host', 'data']) {
      expect(usage).toContain(`--${name}`);
    }
  });
});

describe('an option that cannot be', () => {
  it.each([
    ['--speed', '0'],
    ['--speed', '0.5'],
    ['--speed', '-1'],
    ['--speed', '121'],
    ['--speed', 'fast'],
    ['--speed', ''],
    ['--speed', ' '],
    ['--speed', 'NaN'],
    ['--speed', 'Infinity'],
    ['--speed'],
    ['--port', '-1'],
    ['--port', '65536'],
    ['--port', '80.5'],
    ['--port', 'http'],
    ['--port', ''],
    ['--port'],
    ['--host', ''],
    ['--host', 'localhost'],
    ['--host', '0.0.0.0:80'],
    ['--host'],
    ['--endpoint', ''],
    ['--endpoint', 'localhost:5000'],
    ['--endpoint', 'ftp://127.0.0.1'],
    ['--endpoint', 'AWS'],
    ['--endpoint'],
    ['--secrets'],
    ['--secrets', ''],
    ['--providers'],
    ['--providers', ''],
    ['--data'],
    ['--data', ''],
    ['--data', 'd', '--endpoint', 'aws'],
    ['--json'],
    ['--once=yes'],
    ['--bogus'],
  ])('%s %s is one sentence that names it', (...args) => {
    const message = complaint(...args);
    expect(message).toContain(args[0]?.split('=')[0]);
    expect(message).not.toContain('\n');
    expect(message).toMatch(/^.+[^.]\.$|--help$/);
  });

  it.each([['stray'], ['-x'], ['--', 'stray']])('%s is refused', (...args) => {
    expect(complaint(...args)).toContain('--help');
  });

  it('is a sentence whatever it is', () => {
    const option = fc.constantFrom(
      '--speed',
      '--port',
      '--endpoint',
      '--data',
      '--secrets',
      '--once',
      '--json',
      '-',
      '--',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(option, fc.string())), args => {
        try {
          parseOptions(args);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
    );
  });
});
