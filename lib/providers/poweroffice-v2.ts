import { providerFromData } from './from-data.ts';
import definition from './poweroffice-v2/definition.json' with { type: 'json' };

export const powerofficeV2 = providerFromData(definition);
