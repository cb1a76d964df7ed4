/** `union`: several streams of one type as one, in no particular order between them. */
import type { Observable } from 'rxjs';
import type { UnionNode } from '../core/graph.js';
import { DataStream, edgeOf, type Step, type Unkeyed } from './data-stream.js';

/**
 * Puts the elements of other streams beside those of this one. The watermark is the minimum over all of them. The
 * result carries no key.
 *
 * @example
 * import { stream, union } from 'tidemark';
 * import { of } from 'rxjs';
 * of(1, 2).pipe(union(stream(of(3)))).subscribe((n) => console.log(n));
 * // => 1
 * // => 2
 * // => 3
 */
export function union<In>(...others: readonly Observable<In>[]): Step<In, Unkeyed<In>> {
  return (source) => {
    const inputs = [source, ...others].map((stream) =>
      edgeOf(stream as Observable<unknown>, 'union'),
    );
    const node: UnionNode = {
      kind: 'union',
      inputs,
      keyedBy: undefined,
      hasEventTime: inputs.some(({ from }) => from.hasEventTime),
      scope: [],
    };
    return new DataStream({ from: node });
  };
}
