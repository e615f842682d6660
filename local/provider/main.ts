import { run } from './run.ts';

process.exitCode = await run(process.argv.slice(2), {
  result: line => console.log(line),
  problem: line => console.error(line),
});
