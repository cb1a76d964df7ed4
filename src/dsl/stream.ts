/** `stream`: the plainest entrance, any Observable as a DataStream. */
import type { Observable } from 'rxjs';
import { DataStream, edgeOf } from './data-stream.js';

/**
 * Begins a graph on an Observable. Every other step does so by itself where it stands on a plain Observable; `stream`
 * is for `pipe` with its twenty typed steps, and for a run of its own behind stock operators.
 *
 * @example
 * import { map, stream } from 'tidemark';
 * import { of } from 'rxjs';
 * stream(of(1)).pipe(map((n) => n + 1)).subscribe((n) => console.log(n)); // => 2
 */
export function stream<T>(source: Observable<T>): DataStream<T> {
  return new DataStream<T>(edgeOf(source, 'stream', true));
}
