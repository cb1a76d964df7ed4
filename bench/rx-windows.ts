/** Windows the RxJS way: the state in a `scan`, what has fired in a `concatMap`, the rest behind the last event. */
import { concatMap, concatWith, defer, filter, scan, type Observable } from 'rxjs';
import { eventsOf } from './events-of.js';
import type { Feed } from './feed.js';
import type { HandWindows } from './hand-windows.js';

/** @param windowsOf makes the windows, given what they call with the results of each firing */
export function rxWindows<Out>(
  feed: Feed,
  windowsOf: (fire: (results: Out[]) => void) => HandWindows,
): Observable<Out> {
  return defer(() => {
    let fired: Out[] = [];
    const windows = windowsOf((results) => {
      fired = fired.length === 0 ? results : fired.concat(results);
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
