import type { Grant } from '../../../lib/core/provider.ts';
import { faultIn } from '../../../lib/definition/answers.ts';
import type { DefinitionData } from '../../../lib/definition/schema.ts';
import type { SimulatedResponse } from '../kit.ts';
import { json } from '../wire.ts';
import { type Json, withAt } from './json.ts';

type Rule = DefinitionData['errors'][number];
interface Refusal {
  readonly status: number;
  readonly json: Json;
}

/** Codes about wrong credentials. Others, such as a locked account, are used only if there is none of these. */
const ABOUT_CREDENTIALS = ['invalid_client', 'invalid_grant', 'session_refused', 'subscription_key_refused'];

/** The provider's answer to wrong credentials or a wrong refresh token: in its own dialect, or as in RFC 6749 §5.2. */
export const refusal = (data: DefinitionData, grant: Grant, error: string): SimulatedResponse => {
  const own = data.errors.filter(({ means }) => means === 'refused').map(asAnswered);
  const meant = own.filter(each => faultIn(data.errors, each, grant)?.kind === 'refused');
  const isAboutCredentials = (each: Refusal) =>
    ABOUT_CREDENTIALS.includes(faultIn(data.errors, each, grant)?.code ?? '');
  const standard = [error === 'invalid_client' ? 401 : 400, 400, 401]
    .map(status => ({ status, json: { error } }))
    .find(each => faultIn(data.errors, each, grant) === undefined);
  const { status, json: body } = meant.find(isAboutCredentials) ??
    meant[0] ??
    standard ?? { status: 400, json: { error } };
  return json(status, body);
};

/** The provider's answer to a renewal that comes too early; nothing is spent. */
export const earlyRefusal = (data: DefinitionData): SimulatedResponse => {
  const own = data.errors.filter(({ means, grant }) => means === 'retry' && grant !== 'login').map(asAnswered);
  const { status, json: body } = own[0] ?? { status: 400, json: { error: 'invalid_grant' } };
  return json(status, body);
};

/** The smallest answer that matches a rule. */
const asAnswered = ({ status, has = [], equals = {}, says }: Rule): Refusal => {
  const parts = [
    ...has.map(path => [path, 'made-up'] as const),
    ...Object.entries(equals),
    ...(says ? [[says.path, says.anyOf[0]] as const] : []),
  ];
  return { status, json: parts.reduce<Json>((body, [path, value]) => withAt(body, path, value), {}) };
};
