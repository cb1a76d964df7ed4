/** What an operator that waits for answers from outside keeps of an element meanwhile, beside its value. */
import type { Origin } from './flow.js';
import type { Key } from './key.js';

/** What becomes of elements that an operator has no capacity for; see `OperatorContext#beyondCapacity`. */
export type BeyondCapacity = 'hold' | 'keep' | 'refuse';

/** Names the element in hand: its source record or its derivation, and the keys that it stands under. Plain data. */
export interface InHand {
  readonly origin: Origin;
  readonly position: number;
  /** The key that it was derived from, for derived elements. */
  readonly derivedKey: unknown;
  /** What the nearest keyBy upstream made of it; undefined where there is none, or where several meet. */
  readonly key: Key | undefined;
  /** Whether keyBys meet here, so that nobody knows which of them it went through. */
  readonly hasSeveralKeys: boolean;
}
