/** The events of a feed as an Observable, one by one: what the RxJS variants and the subscriptions stand on. */
import { Observable } from 'rxjs';
import type { Feed } from './feed.js';
import type { Play } from './plays.js';

export function eventsOf(feed: Feed): Observable<Play> {
  return new Observable((subscriber) => {
    feed.each((play) => subscriber.next(play));
    subscriber.complete();
  });
}

/** The same without an end: completing a hundred thousand groups takes RxJS longer than filling them. */
export function endlessEventsOf(feed: Feed): Observable<Play> {
  return new Observable((subscriber) => feed.each((play) => subscriber.next(play)));
}
