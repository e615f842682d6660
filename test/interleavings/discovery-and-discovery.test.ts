import { describePair } from './describe-pair.ts';

describePair(['discovery', 'discovery']);
