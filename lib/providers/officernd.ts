import { providerFromData } from './from-data.ts';
import definition from './officernd/definition.json' with { type: 'json' };

export const officernd = providerFromData(definition);
