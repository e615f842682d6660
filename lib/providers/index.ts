import type { Provider } from '../core/provider.ts';
import { ioffice } from './ioffice.ts';
import { officernd } from './officernd.ts';
import { petrosoft } from './petrosoft.ts';
import { powerepos } from './powerepos.ts';
import { powerofficeV1 } from './poweroffice-v1.ts';
import { powerofficeV2 } from './poweroffice-v2.ts';

/** Every provider there is. A new one is its file and a line here; the contract tests then ask for the rest. */
export const providers: readonly Provider[] = [powerofficeV1, powerofficeV2, officernd, powerepos, petrosoft, ioffice];

const byId: ReadonlyMap<string, Provider> = new Map(providers.map(provider => [provider.id, provider]));

export const providerIds: readonly string[] = providers.map(provider => provider.id);

export const findProvider = (id: string): Provider | undefined => byId.get(id);
