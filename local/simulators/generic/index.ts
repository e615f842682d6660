import { seconds } from '../../../lib/core/types.ts';
import type { DefinedProvider } from '../../../lib/definition/provider.ts';
import type { DefinitionData } from '../../../lib/definition/schema.ts';
import { chosen, type SecretFields, secretSchemaOf } from '../../../lib/definition/secret.ts';
import { assertionOf, valuesOf } from '../../../lib/definition/values.ts';
import { type SimulatedAccount, simulatedIdOf } from '../accounts.ts';
import type { FakeAuthServer, SimulatedRequest, SimulatedResponse, Simulation } from '../kit.ts';
import { json, oauthError, pathOf } from '../wire.ts';
import { isSigned } from './assertions.ts';
import { isAt, readHeaders, readRequest } from './reading.ts';
import { refusal } from './refusals.ts';
import { type Step, stepsOf } from './steps.ts';

/** Simulates any definition: it accepts the requests of the definition, and answers as the definition reads answers. */
export const genericSimulation = ({ definition: data }: DefinedProvider): Simulation => {
  const steps = stepsOf(data);
  const { revoke } = data;
  const credentialsOf = credentialsBy(data);
  return {
    rotates: data.refresh !== undefined,
    routes: {},
    gate: (server, request) => {
      if (revoke && isAt(revoke, request)) {
        const { token } = readRequest(revoke, request, anybody()) ?? {};
        const family = server.familyOf(token);
        if (family !== undefined) server.kill(family);
        // RFC 7009 §2.2: an unknown token is not an error.
        if (token !== undefined) return json(200, {});
      }
      const here = steps.filter(each => isAt(each.request, request));
      if (here.length === 0) return undefined;
      const meant = here.find(each => readRequest(each.request, request, anybody(each)) !== undefined);
      if (!meant) {
        const isMethod = here.some(each => each.request.method === request.method);
        return oauthError(isMethod ? 400 : 405, 'invalid_request', 'The definition makes no such request');
      }
      const { rateLimit } = data;
      const sender = readRequest(meant.request, request, anybody(meant))?.[rateLimit?.sharedBy ?? ''] ?? '';
      if (rateLimit && server.isOver(sender, rateLimit.calls, rateLimit.per)) {
        const after = Math.max(1, Math.ceil(server.scaled(rateLimit.per) / seconds(1)));
        return json(429, { message: 'Too many requests' }, { 'retry-after': String(after) });
      }
      return answered(data, server, request, { here, meant, credentialsOf });
    },
    admit: (server, request) => {
      for (const account of server.accounts) {
        const values = valuesOf(data, credentialsOf(server, account));
        const { token } = readHeaders(data.consumer.headers, request, { values, lenient: false }) ?? {};
        const issued = server.valid(token);
        if (issued?.account === simulatedIdOf(account) && `${pathOf(request)}/`.startsWith(`${issued.below ?? ''}/`))
          return issued;
      }
      return undefined;
    },
  };
};

const anybody = (step?: Step) => ({ values: () => undefined, lenient: true, refreshes: step?.grant === 'refresh' });

type CredentialsOf = (server: FakeAuthServer, account: SimulatedAccount) => SecretFields;

/** The credentials in a secret with the fields of an account, with all defaults. */
const credentialsBy = (data: DefinitionData): CredentialsOf => {
  const schema = secretSchemaOf(data);
  const known = new Map<SimulatedAccount, SecretFields>();
  return (server, account) => {
    const found = known.get(account) ?? chosen(data, schema.parse({ ...account.fields, baseUrl: server.url }));
    known.set(account, found);
    return found;
  };
};

interface Candidates {
  readonly here: readonly Step[];
  /** The first step whose form matches the request. */
  readonly meant: Step;
  readonly credentialsOf: CredentialsOf;
}

const answered = (
  data: DefinitionData,
  server: FakeAuthServer,
  request: SimulatedRequest,
  { here, meant, credentialsOf }: Candidates,
): SimulatedResponse => {
  let isKnown = false;
  for (const account of server.accounts) {
    const credentials = credentialsOf(server, account);
    const signed = assertionOf(data, credentials);
    for (const step of here) {
      const reader = { values: valuesOf(data, credentials), lenient: false, refreshes: step.grant === 'refresh' };
      const read = readRequest(step.request, request, reader);
      if (!read || (read.assertion !== undefined && !(signed && isSigned(read.assertion, signed, server.now))))
        continue;
      isKnown = true;
      const answer = step.answer(server, { account, credentials }, read);
      if (answer) return answer;
    }
  }
  return refusal(data, meant.grant, isKnown || isOfUser(data) ? 'invalid_grant' : 'invalid_client');
};

/** Whether a login belongs to a person, not to a service account. */
const isOfUser = ({ locks, login: [first] }: DefinitionData): boolean =>
  locks !== undefined || first?.form?.grant_type === 'password';
