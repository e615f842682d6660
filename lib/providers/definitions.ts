/** The built-in definitions, one per line. */

export { default as ioffice } from './ioffice/definition.json' with { type: 'json' };
export { default as officernd } from './officernd/definition.json' with { type: 'json' };
export { default as petrosoft } from './petrosoft/definition.json' with { type: 'json' };
export { default as powerepos } from './powerepos/definition.json' with { type: 'json' };
export { default as powerofficeV1 } from './poweroffice-v1/definition.json' with { type: 'json' };
export { default as powerofficeV2 } from './poweroffice-v2/definition.json' with { type: 'json' };
