/** The measuring process: one variant of one case, one run per order. */
import { variantNames, type BenchCase } from './case.js';
import { cases } from './cases.js';
import { checkSizes, fullSizes, measure } from './measure.js';
import { pollute } from './pollution.js';
import type { Answer, Order } from './protocol.js';

type Preparation = Extract<Order, { kind: 'prepare' }>;

/** Serves orders until the parent hangs up. */
export function serveOrders(): void {
  let prepared: Preparation | undefined;
  const follow = async (order: Order): Promise<Answer> => {
    if (order.kind === 'prepare') {
      prepared = order;
      if (order.condition === 'polluted') await pollute();
      return { kind: 'ready' };
    }
    if (prepared === undefined) throw new Error('expected "prepare" before "run"');
    return { kind: 'outcome', outcome: await runOnce(prepared, order.what) };
  };
  process.on('message', (order: Order) => {
    follow(order).then(answer, (error: unknown) => {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      answer({ kind: 'failed', message });
    });
  });
}

function runOnce({ case: name, variant, quick }: Preparation, what: 'check' | 'full' | 'memory') {
  const benchCase = caseNamed(name);
  const sizes =
    what === 'check'
      ? checkSizes(benchCase, variantNames(benchCase), quick)
      : fullSizes(benchCase, variant, quick);
  globalThis.gc?.();
  return measure(benchCase, variant, sizes, what === 'memory');
}

function caseNamed(name: string): BenchCase {
  const found = cases.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`there is no case "${name}"`);
  return found;
}

function answer(message: Answer): void {
  process.send?.(message);
}
