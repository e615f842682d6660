import { runProviderCommand } from './run.ts';

// `check | head` closes the pipe: no more output is wanted.
process.stdout.on('error', () => process.exit());

process.exitCode = await runProviderCommand(process.argv.slice(2), {
  result: line => console.log(line),
  problem: line => console.error(line),
});
