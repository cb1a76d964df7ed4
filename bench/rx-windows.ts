/** Windows the RxJS way: the state in a `scan`, what has fired in a `concatMap`, the rest behind the last event. */
import { concatMap, concatWith, defer, filter, scan, type Observable } from 'rxjs';
import { eventsOf } from './events-of.js';
import type { Feed } from './feed.js';
import {
  HandWindows,
  type CountResult,
  type TimeWindow,
  type WindowSizes,
} from './hand-windows.js';

/** @param resultsOf what is emitted for a window that has fired */
export function rxWindows<Out>(
  feed: Feed,
  sizes: WindowSizes,
  resultsOf: (results: CountResult[], window: TimeWindow) => Out[],
): Observable<Out> {
  return defer(() => {
    let fired: Out[] = [];
    const windows = new HandWindows(sizes, (results, window) => {
      const added = resultsOf(results, window);
      fired = fired.length === 0 ? added : fired.concat(added);
    });
    const take = (): Out[] => {
      const taken = fired;
      fired = [];
      return taken;
    };
    return eventsOf(feed).pipe(
      scan((state, play) => {
        state.add(play);
        return state;
      }, windows),
      filter(() => fired.length > 0),
      concatMap(take),
      concatWith(
        defer(() => {
          windows.end();
          return take();
        }),
      ),
    );
  });
}
