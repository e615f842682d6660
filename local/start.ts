import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import { endWithNpm } from './npm.ts';

// Before loading the rest: that takes long enough for npm to be killed meanwhile.
endWithNpm();
// Not the default folder: on some machines all users share it.
enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/laptop', import.meta.url)));
await import('./main.ts');
