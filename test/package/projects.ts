/** Projects as other people have them, for the package to be installed into. */

export interface Project {
  readonly kind: string;
  readonly files: Readonly<Record<string, string>>;
  /** Runs in the project; `node` is each of the Nodes at hand. */
  readonly commands: readonly (readonly [command: string, ...args: string[]])[];
}

const stack = `
const stack = new Stack(new App({ outdir: 'cdk.out' }), 'Mine');
const tokens = new TokenRefresher(stack, 'Tokens', { providers: { officernd: { schedules: 2 } } });
tokens.grantRead(new User(stack, 'Reader'), 'officernd/acme');
tokens.node.root.synth();
const client = createTokenClient({ source: fakeSource({ 'officernd/acme': {} }) });
client.get('officernd/acme').then(({ accessToken }) => {
  if (accessToken !== 'fake-token-1') throw new Error('The client does not work.');
});
`;
const esm = `import { App, Stack } from 'aws-cdk-lib';
import { User } from 'aws-cdk-lib/aws-iam';
import { createTokenClient, fakeSource } from 'token-refresher/client';
import { TokenRefresher } from 'token-refresher/infra';
`;
const cjs = esm.replace(/import (.*) from ('.*');/g, 'const $1 = require($2);');
const typed = `${esm}import packageJson from 'token-refresher/package.json';
const name: string = packageJson.name;
const stack = new Stack(new App(), name);
const tokens: TokenRefresher = new TokenRefresher(stack, 'Tokens', { dashboard: true });
tokens.grantRead(new User(stack, 'Reader'), 'officernd/acme');
// @ts-expect-error A type that is not \`any\` refuses this.
new TokenRefresher(stack, 'Wrong', { dashboard: 'yes' });
// @ts-expect-error As above.
createTokenClient({ source: 5 });
`;

const typeChecked = (kind: string, options: object, type = 'commonjs', source = typed): Project => ({
  kind,
  files: {
    'package.json': JSON.stringify({ private: true, type }),
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        ...{ strict: true, noEmit: true, target: 'es2022', types: ['node'], resolveJsonModule: true },
        ...{ esModuleInterop: true, ...options },
      },
      include: ['app.ts'],
    }),
    'app.ts': source,
  },
  commands: [['tsc', '-p', '.']],
});

export const projects: readonly Project[] = [
  {
    kind: 'esm',
    files: { 'package.json': '{ "private": true, "type": "module" }', 'app.js': esm + stack },
    commands: [['node', 'app.js']],
  },
  {
    kind: 'commonjs',
    files: { 'package.json': '{ "private": true }', 'app.js': cjs + stack },
    commands: [['node', 'app.js']],
  },
  {
    kind: 'bundled',
    files: { 'package.json': '{ "private": true, "type": "module" }', 'app.js': esm + stack },
    commands: [
      [
        ...(['esbuild', 'app.js', '--bundle', '--platform=node', '--format=esm', '--outfile=built/app.mjs'] as const),
        ...[
          '--external:aws-cdk-lib',
          '--external:constructs',
          '--external:@aws-sdk/*',
          '--external:token-refresher/infra',
        ],
        '--log-level=error',
      ],
      ['node', 'built/app.mjs'],
    ],
  },
  typeChecked('types-commonjs', { module: 'node16', moduleResolution: 'node16' }),
  typeChecked(
    'types-esm',
    { module: 'nodenext', moduleResolution: 'nodenext' },
    'module',
    typed.replace("/package.json'", "/package.json' with { type: 'json' }"),
  ),
  typeChecked('types-bundler', { module: 'esnext', moduleResolution: 'bundler' }),
];
