import { endWithNpm } from './npm.ts';

// Before the rest is loaded, which takes long enough for an npm to be killed meanwhile.
endWithNpm();
await import('./main.ts');
