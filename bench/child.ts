/** The measuring process: one variant of one case, one run per order. */
import type { BenchCase } from './case.js';
import { cases } from './cases.js';
import { measure } from './measure.js';
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
    const benchCase = caseNamed(prepared.case);
    globalThis.gc?.();
    const outcome = await measure(benchCase, prepared.variant, order.sizes, order.watchesHeap);
    return { kind: 'outcome', outcome };
  };
  process.on('message', (order: Order) => {
    follow(order).then(answer, (error: unknown) => {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      answer({ kind: 'failed', message });
    });
  });
}

function caseNamed(name: string): BenchCase {
  const found = cases.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`there is no case "${name}"`);
  return found;
}

function answer(message: Answer): void {
  process.send?.(message);
}
