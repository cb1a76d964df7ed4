/** Feeds pipelines the ways that users run them. */
import type { Pipeline } from '../src/index.js';
import { eventsOf } from './events-of.js';
import type { Feed } from './feed.js';
import type { Play } from './plays.js';
import type { Tally } from './tally.js';

/** A subscription: an event runs through to the tally before the next one comes. */
export function subscribed<Out>(job: Pipeline<Play, Out>) {
  return (feed: Feed, tally: Tally<Out>): Promise<void> =>
    new Promise((resolve, reject) => {
      eventsOf(feed)
        .pipe(job)
        .subscribe({ next: (value) => tally.add(value), error: reject, complete: resolve });
    });
}
