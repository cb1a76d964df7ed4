/** `topK`: the best k of each finished group, such as the ten most played songs of each window. */
import type { Observable } from 'rxjs';
import { TidemarkError, show } from '../core/errors.js';
import { makeKeyNode, type Edge } from '../core/graph.js';
import type { Key } from '../core/key.js';
import { DataStream, edgeOf, type Step } from './data-stream.js';
import { defineOperator } from './define-operator.js';
import { Ranking, rankingSpec } from './ranking.js';
import { refuseAsync } from './user-function.js';

export interface TopKOptions<T, Per extends Key> {
  /** Rankings are found by it after a restart. */
  readonly uid: string;
  /** The uid that the state was kept under before, where it has been renamed. May be left in for good. */
  readonly renamedFrom?: string;
  /** What elements are ranked by, highest first. Ties go by key, ascending. */
  readonly by: (element: T) => number;
  /** What elements are grouped by, such as `(result) => result.window.end`. */
  readonly per: (element: T) => Per;
  /** Names an entry within its group: a later element replaces the former one of its key. Default: `element.key`. */
  readonly key?: (element: T) => Key;
}

/** The best elements of one group, best first; `top.length` may be less than k. */
export interface TopK<T, Per> {
  readonly per: Per;
  readonly top: readonly T[];
}

/**
 * Ranks the elements of each group and emits the best `k` once the watermark has passed the time of the group (the
 * highest timestamp in it), then again for each late update, as long as the window before it allows lateness.
 *
 * @param k how many, a whole number > 0
 *
 * @example
 * import { count, eventTime, keyBy, topK, tumbling, window } from 'tidemark';
 * import { from } from 'rxjs';
 * from(['a', 'b', 'b', 'c'])
 *   .pipe(
 *     eventTime({ timestamp: () => 0 }),
 *     keyBy((song) => song),
 *     window(tumbling({ size: '1m' }), count(), { uid: 'plays' }),
 *     topK(2, { uid: 'chart', by: (r) => r.value, per: (r) => r.window.end }),
 *   )
 *   .subscribe(({ per, top }) => console.log(per, top.map((r) => r.key).join(' ')));
 * // => 60000 b a
 *
 * @throws TidemarkError OPTIONS_INVALID; TIME_MISSING when it is piped
 */
export function topK<T, Per extends Key>(
  k: number,
  options: TopKOptions<T, Per>,
): Step<T, TopK<T, Per>> {
  if (!Number.isSafeInteger(k) || k <= 0)
    throw new TidemarkError('OPTIONS_INVALID', {
      expected: 'a whole number > 0',
      got: show(k),
      where: `k of topK "${options.uid}"`,
      hint: 'Say how many elements of each group to emit.',
    });
  const { by, per, key } = options;
  const keyOf = key ?? ((element: T): Key => (element as { readonly key: Key }).key);
  for (const fn of [by, per, keyOf]) refuseAsync(fn, `topK "${options.uid}"`);
  return (source: Observable<T>): DataStream<TopK<T, Per>> => {
    const input = edgeOf(source, 'topK');
    const groups = new DataStream<T>({ from: makeKeyNode(groupNode(input, per)) });
    const step = defineOperator<T, TopK<T, Per>>({
      operator: 'topK',
      uid: options.uid,
      renamedFrom: options.renamedFrom,
      keyed: true,
      needsEventTime: true,
      state: rankingSpec(),
      facts: { summary: `best ${k}`, latenessMs: 'inherited' },
      create: (context) =>
        new Ranking(context, {
          k,
          by: by as (element: unknown) => number,
          keyOf: keyOf as (element: unknown) => Key,
          latenessMs: context.upstreamLatenessMs,
        }),
    });
    return step(groups);
  };
}

function groupNode<T>(input: Edge, per: (element: T) => Key): Parameters<typeof makeKeyNode>[0] {
  return {
    kind: 'key',
    keyOf: per,
    uid: undefined,
    inputs: [input],
    hasEventTime: input.from.hasEventTime,
    scope: [],
  };
}
