import { SeedRun } from './run.ts';

/** The first seed up to a number that finds a violation, as JSON, if there is one. */
const last = Number(process.argv[2]);
for (let seed = 1; seed <= last; seed += 1) {
  const [violation] = (await new SeedRun(seed).run()).violations;
  if (violation === undefined) continue;
  console.log(JSON.stringify({ seed, violation }));
  break;
}
