import { providerFromData } from './from-data.ts';
import definition from './powerepos/definition.json' with { type: 'json' };

export const powerepos = providerFromData(definition);
