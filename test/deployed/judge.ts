import { type Call, requestOf } from '../iam/calls.ts';
import type { Evaluator } from '../iam/evaluate.ts';
import type { PermissionLedger } from '../iam/ledger.ts';

/** Checks the calls that AWS services make around the bundles: nothing sends them here, and each must be allowed. */
export class Judge {
  readonly evaluator: Evaluator;
  readonly ledger: PermissionLedger;
  readonly secretsKey: string;

  constructor(evaluator: Evaluator, ledger: PermissionLedger, secretsKey: string) {
    this.evaluator = evaluator;
    this.ledger = ledger;
    this.secretsKey = secretsKey;
  }

  async must(call: Call): Promise<void> {
    const request = await requestOf(call, this.evaluator.account, this.secretsKey);
    const verdicts = await this.evaluator.verdicts(request);
    this.ledger.record(request, verdicts);
    const refused = verdicts.find(({ allowed }) => !allowed);
    if (refused) throw new Error(`${call.as} may not do ${refused.need.action} on ${refused.need.resource}`);
  }
}
