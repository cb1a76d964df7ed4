/** What the parent and the measuring processes say to each other. */
import type { VariantName } from './case.js';
import type { Sizes } from './feed.js';
import type { Outcome } from './measure.js';

/** `polluted`: eight other pipelines have run in the process before. */
export type Condition = 'clean' | 'polluted';

export type Order =
  /** First; answered once the process is ready to measure. */
  | {
      readonly kind: 'prepare';
      readonly case: string;
      readonly variant: VariantName;
      readonly condition: Condition;
    }
  | { readonly kind: 'run'; readonly sizes: Sizes; readonly watchesHeap: boolean };

export type Answer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  | { readonly kind: 'failed'; readonly message: string };
