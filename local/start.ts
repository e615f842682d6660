import { endWithNpm } from './npm.ts';

// Before loading the rest: that takes long enough for npm to be killed meanwhile.
endWithNpm();
await import('./main.ts');
