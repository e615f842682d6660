import { minutes, plus, seconds } from '../../lib/core/types.ts';
import type { Customer } from './customers.ts';
import type { Faults } from './faults.ts';
import type { Loop } from './loop.ts';
import type { Operator } from './operator.ts';
import type { Random } from './random.ts';
import type { SeedScenario } from './scenario.ts';

interface Parts {
  readonly loop: Loop;
  readonly faults: Faults;
  readonly random: Random;
  readonly scenario: SeedScenario;
  readonly customers: readonly Customer[];
  readonly operator: Operator;
}

/** How often an editor retries a corrected secret until it works. */
const PATIENCE = 1000;

/** The longest time until a deletion is undone. */
const UNDONE_WITHIN = minutes(1);

/**
 * People who edit secrets in a hurry. They delete one and undo it at once, remove a key and add it again, misspell one,
 * or mistype a password or a shared field.
 */
export class Editors {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  begin(): void {
    const { loop, faults, random, customers, scenario } = this.#parts;
    if (!scenario.edits) return;
    const next = () => {
      if (plus(loop.now, UNDONE_WITHIN) >= scenario.calmFrom) return;
      const customer = random.pick(customers as [Customer, ...Customer[]]);
      const rests = scenario.rests && !faults.goesOn('discovery dies');
      if (customer.state === 'good' && !rests) void this.#edit(customer);
      loop.after(random.between(seconds(30), minutes(scenario.rests ? 15 : 30)), next);
    };
    loop.after(random.between(minutes(3), minutes(20)), next);
  }

  async #edit(customer: Customer): Promise<void> {
    const { loop, faults, random } = this.#parts;
    if (customer.packed && random.chance(0.2)) {
      faults.count('key misspelled');
      await customer.misspell(true, loop.now);
      loop.after(random.between(seconds(30), minutes(10)), () => void customer.misspell(false, loop.now));
      return;
    }
    if (!customer.browser && random.chance(0.25)) return this.#tryAndRollBack(customer);
    if (customer.packed && random.chance(0.3)) {
      faults.count('all wrong for minutes');
      await customer.storeAll('good', 'wrong password', loop.now);
      loop.after(random.between(minutes(2), minutes(12)), () => {
        void customer.storeAll('wrong password', 'good', loop.now);
      });
      return;
    }
    if (!customer.browser && random.chance(0.4)) {
      faults.count('wrong for minutes');
      await customer.store('wrong password', loop.now);
      loop.after(random.between(minutes(1), minutes(10)), () => {
        if (customer.state === 'wrong password') void customer.store('good', loop.now);
      });
      return;
    }
    // If a person would have to log in again, the deletion is always undone in time.
    const undone = customer.browser || random.chance(0.7);
    faults.count(undone ? 'deletion undone' : 'removed and added');
    const back = undone ? random.between(seconds(5), UNDONE_WITHIN) : random.between(minutes(2), minutes(15));
    await customer.store('deleted', loop.now);
    loop.after(back, () => {
      if (customer.state === 'deleted') void customer.restore(loop.now);
    });
  }

  /** A person stores a password and retries it, sees that it is wrong, rolls the secret back, and retries that too. */
  async #tryAndRollBack(customer: Customer): Promise<void> {
    const { loop, faults, random, operator } = this.#parts;
    faults.count('rolled back');
    const { version, rollBack } = await customer.mistype(loop.now);
    await loop.sleep(random.between(seconds(2), seconds(20)));
    if (version === undefined || !(await operator.hasTried(customer, version, 2))) faults.count('rolled back untried');
    await loop.sleep(random.between(seconds(2), seconds(20)));
    const good = (await rollBack(loop.now)) ? await operator.versionOf(customer) : undefined;
    if (good !== undefined) await operator.hasTried(customer, good, PATIENCE);
    else if (customer.state === 'wrong password') await customer.store('good', loop.now);
  }
}
