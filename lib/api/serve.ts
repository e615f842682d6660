import { providerOf } from '../core/types.ts';
import type { ApiDeps } from './deps.ts';
import { list } from './list.ts';
import type { HttpAnswer } from './problem.ts';
import { type HttpQuestion, route } from './route.ts';
import { read, renew } from './token.ts';
import { unknownConnection } from './unavailable.ts';

export const serve = async (deps: ApiDeps, question: HttpQuestion): Promise<HttpAnswer> => {
  const found = route(question);
  if ('status' in found) return found;
  if (found.to === 'connections') return list(deps, found);
  const policy = deps.providers.get(providerOf(found.connection));
  if (!policy) return unknownConnection(found.connection);
  return found.to === 'token' ? read(deps, policy, found) : renew(deps, policy, found);
};
