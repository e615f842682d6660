import { providerFromData } from '../definition/from-file.ts';
import type { DefinedProvider } from '../definition/provider.ts';
import iofficeDefinition from './ioffice/definition.json' with { type: 'json' };
import officerndDefinition from './officernd/definition.json' with { type: 'json' };
import petrosoftDefinition from './petrosoft/definition.json' with { type: 'json' };
import powereposDefinition from './powerepos/definition.json' with { type: 'json' };
import powerofficeV1Definition from './poweroffice-v1/definition.json' with { type: 'json' };
import powerofficeV2Definition from './poweroffice-v2/definition.json' with { type: 'json' };

/** The providers that come with this package. */
export const powerofficeV1 = providerFromData(powerofficeV1Definition);
export const powerofficeV2 = providerFromData(powerofficeV2Definition);
export const officernd = providerFromData(officerndDefinition);
export const powerepos = providerFromData(powereposDefinition);
export const petrosoft = providerFromData(petrosoftDefinition);
export const ioffice = providerFromData(iofficeDefinition);

export const providers: readonly DefinedProvider[] = [
  powerofficeV1,
  powerofficeV2,
  officernd,
  powerepos,
  petrosoft,
  ioffice,
];

const byId: ReadonlyMap<string, DefinedProvider> = new Map(providers.map(provider => [provider.id, provider]));

export const providerIds: readonly string[] = providers.map(provider => provider.id);

export const findProvider = (id: string): DefinedProvider | undefined => byId.get(id);
