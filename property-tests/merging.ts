/**
 * Accumulators merged in any order: the elements are dealt to panes, and the panes are merged by any tree.
 *
 * It can see a merge that depends on sides or on grouping, and one that changes what it only may read.
 */
import fc from 'fast-check';
import { expect } from 'vitest';
import type { Aggregator } from 'tidemark';
import { encodeValue } from '../src/state/value-codec.js';

/** How elements are shuffled, dealt and merged: numbers that are taken modulo whatever is there. */
export interface MergePlan {
  readonly order: readonly number[];
  readonly panes: readonly number[];
  readonly pairs: readonly (readonly [into: number, other: number])[];
}

const choice = fc.nat({ max: 999 });

export const mergePlans: fc.Arbitrary<MergePlan> = fc.record({
  order: fc.array(choice, { maxLength: 30 }),
  panes: fc.array(choice, { minLength: 1, maxLength: 30 }),
  pairs: fc.array(fc.tuple(choice, choice), { minLength: 1, maxLength: 8 }),
});

/** The accumulator of all elements, one after the other. */
export function addAll<In, Accumulator>(
  aggregator: Aggregator<In, Accumulator, unknown>,
  elements: readonly In[],
): Accumulator {
  let accumulator = aggregator.create();
  for (const element of elements) accumulator = aggregator.add(accumulator, element);
  return accumulator;
}

/** The accumulator of all elements, by the plan. Fails when a merge changes its second argument. */
export function mergeAll<In, Accumulator>(
  aggregator: Aggregator<In, Accumulator, unknown>,
  elements: readonly In[],
  { order, panes, pairs }: MergePlan,
): Accumulator {
  const dealt: In[][] = Array.from({ length: 1 + ((panes[0] ?? 0) % 6) }, () => []);
  for (const [index, element] of shuffled(elements, order).entries())
    dealt[(panes[index % panes.length] ?? 0) % dealt.length]?.push(element);
  const left = dealt.map((pane) => addAll(aggregator, pane));
  for (let turn = 0; left.length > 1; turn += 1) {
    const [into, other] = pairs[turn % pairs.length] ?? [0, 0];
    const [target] = left.splice(into % left.length, 1) as [Accumulator];
    const at = other % left.length;
    const source = left[at] as Accumulator;
    const before = encodeValue(source);
    left[at] = aggregator.merge(target, source);
    expect(encodeValue(source)).toEqual(before);
  }
  return left[0] as Accumulator;
}

function shuffled<T>(values: readonly T[], order: readonly number[]): T[] {
  const result = [...values];
  for (const [index, turn] of order.entries()) {
    const from = index % Math.max(1, result.length);
    result.push(...result.splice(from, 1 + (turn % 3)));
  }
  return result;
}
