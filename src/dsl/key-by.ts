/** `keyBy`: gives each element a key; what stands behind it has state per key. */
import type { Observable } from 'rxjs';
import { checkName, makeKeyNode } from '../core/graph.js';
import type { Key } from '../core/key.js';
import { DataStream, edgeOf, type Keyed } from './data-stream.js';
import { refuseAsync } from './user-function.js';

export interface KeyByOptions {
  /** Names the repartition; required where one keyBy feeds several stateful steps in a distributed job. */
  readonly uid?: string;
}

/**
 * Keys the stream. Keys are strings, numbers, booleans, bigints, or arrays or flat objects of those. They are equal by
 * value: `[1, 'a']` is `[1, 'a']`, but `10`, `10n` and `'10'` are three keys.
 *
 * @param keyOf synchronous and a function of the element alone; a key that is none makes the element a dead letter in
 *   a job (KEY_INVALID) and an error in a subscription
 *
 * @example
 * import { keyBy, process, valueState } from 'tidemark';
 * import { of } from 'rxjs';
 * of('a', 'b', 'a')
 *   .pipe(
 *     keyBy((letter) => letter),
 *     process({
 *       uid: 'seen',
 *       state: { times: valueState(0) },
 *       element(letter, { state }) {
 *         state.times.set(state.times.get() + 1);
 *         return [`${letter}${state.times.get()}`];
 *       },
 *     }),
 *   )
 *   .subscribe((text) => console.log(text));
 * // => a1
 * // => b1
 * // => a2
 */
export function keyBy<In, K extends Key>(
  keyOf: (value: In) => K,
  options: KeyByOptions = {},
): (source: Observable<In>) => DataStream<Keyed<K, In>> {
  refuseAsync(keyOf, 'keyBy');
  const uid = options.uid === undefined ? undefined : checkName(options.uid, 'uid of keyBy');
  return (source) => {
    const input = edgeOf(source, 'keyBy');
    const node = makeKeyNode({
      kind: 'key',
      keyOf,
      uid,
      inputs: [input],
      hasEventTime: input.from.hasEventTime,
      scope: [],
    });
    return new DataStream({ from: node });
  };
}
