import { describePair } from './describe-pair.ts';

describePair(['worker', 'worker']);
