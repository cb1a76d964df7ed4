/** `broadcast`: a stream that every shard reads as a whole, to be connected with another one. */
import type { Observable } from 'rxjs';
import type { DataStream, Unkeyed } from './data-stream.js';
import { defineOperator } from './define-operator.js';
import { oneScope } from './window-all.js';

/** What `broadcast` gives: it goes into `connect` or `connectAll`, and nowhere else. */
export class BroadcastStream<T> {
  readonly elements: DataStream<T>;

  constructor(elements: DataStream<T>) {
    this.elements = elements;
  }
}

/**
 * Makes a stream one that every shard reads as a whole, such as rules, prices or a block list: the second input of
 * `connect` or `connectAll`. After Flink's `DataStream#broadcast`.
 *
 * All shards meet its elements in the same order: they go through one task, whatever the parallelism. A key that the
 * stream has is not seen behind it. Without an `eventTime` it takes no part in the watermark, and where both inputs hold
 * something its elements are taken first; in a subscription its inputs are subscribed before the others.
 *
 * @example
 * import { broadcast, connect, keyBy, mapState } from 'tidemark';
 * import { of } from 'rxjs';
 * const limits$ = of({ account: 'ann', limit: 50 });
 * of({ account: 'ann', amount: 20 }, { account: 'ann', amount: 80 })
 *   .pipe(
 *     keyBy((payment) => payment.account),
 *     connect(broadcast(limits$), {
 *       uid: 'limits',
 *       broadcastState: { limits: mapState<string, number>() },
 *       first({ account, amount }, { broadcastState: { limits } }) {
 *         return amount > (limits.get(account) ?? Infinity) ? [`${account} may not pay ${amount}`] : [];
 *       },
 *       second({ account, limit }, { broadcastState: { limits } }) {
 *         limits.set(account, limit);
 *       },
 *     }),
 *   )
 *   .subscribe((text) => console.log(text));
 * // => ann may not pay 80
 *
 * @throws TidemarkError STREAM_LIFTED
 */
export function broadcast<T>(source: Observable<T>): BroadcastStream<Unkeyed<T>> {
  return new BroadcastStream(spread<T>(oneScope(source, 'broadcast') as DataStream<T>));
}

/** Hands its elements on; the plan deals what leaves it to every shard. */
function spread<T>(source: DataStream<T>): DataStream<Unkeyed<T>> {
  const step = defineOperator<T, Unkeyed<T>>({
    operator: 'broadcast',
    spreads: true,
    facts: { summary: 'to every shard' },
    create: ({ output, counters }) => ({
      element(value, timestamp) {
        counters.received += 1;
        counters.accepted += 1;
        output.element(value, timestamp);
      },
    }),
  });
  return step(source);
}
