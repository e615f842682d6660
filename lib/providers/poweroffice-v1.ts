import { providerFromData } from './from-data.ts';
import definition from './poweroffice-v1/definition.json' with { type: 'json' };

export const powerofficeV1 = providerFromData(definition);
