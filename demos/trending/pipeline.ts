/**
 * The pipeline of the demo: what is hottest in each sliding window, and how it moved since the window before.
 *
 * One definition for generated plays and for any file: what a record means comes in as functions.
 */
import {
  count,
  durationMs,
  eventTime,
  filter,
  keyBy,
  mapState,
  pipeline,
  process,
  sliding,
  topK,
  unchecked,
  window,
} from '../../src/index.js';
import type { DataStream, Duration, Keyed, Pipeline, TopK, WindowResult } from '../../src/index.js';
import { movement, sameEntries, sameOrder } from './chart.js';
import type { Chart, Entry, Place } from './chart.js';

export interface TrendingOptions<T> {
  /** Name of the job. Default `trending`. */
  readonly name?: string;
  /** Epoch milliseconds of a record. */
  readonly timestamp: (record: T) => number;
  /** What is counted. */
  readonly key: (record: T) => string;
  /** Which records count. Default: all. */
  readonly where?: (record: T) => boolean;
  /** Length of a window, such as `1h`. */
  readonly size: Duration;
  /** How often a window ends, such as `5m`. */
  readonly slide: Duration;
  /** How many places a chart has. */
  readonly top: number;
  /** How long the windows wait for stragglers. Default 0. */
  readonly outOfOrderness?: Duration;
  /** How long a chart is mended by stragglers after it has been told. Default 0: never. */
  readonly lateness?: Duration;
}

/**
 * Charts in the order of their windows. With `lateness` a chart is told again when a straggler has changed it, and
 * so is the chart after it when that one has to be compared anew; the last one told of a window is right.
 */
export function trending<T>(options: TrendingOptions<T>): Pipeline<T, Chart> {
  const { size, slide, where = () => true } = options;
  const windows = sliding({ size, slide });
  const latenessMs = durationMs(options.lateness ?? 0, 'lateness of trending()');
  return pipeline(options.name ?? 'trending', unchecked<T>(), (records$) =>
    records$.pipe(
      eventTime({
        timestamp: options.timestamp,
        outOfOrderness: options.outOfOrderness ?? 0,
      }),
      filter(where),
      keyBy(options.key),
      window(windows, count(), { uid: 'plays', allowedLateness: latenessMs }),
      topK(options.top, {
        uid: 'chart',
        by: (result) => result.value,
        per: (result) => result.window.end,
      }),
      keyBy(() => 'the one chart'),
      riseAndFall({ slideMs: windows.slideMs, latenessMs }),
    ),
  );
}

interface KeptChart {
  readonly start: number;
  readonly places: readonly Place[];
  /** What has been told of it; empty before the first time. */
  readonly told: readonly Entry[];
}

type Ranking = TopK<WindowResult<string, number>, number>;

/**
 * Compares each chart with the one that ended a slide earlier.
 *
 * Charts come from as many shards as there are, and mended ones come whenever a straggler does, so "the chart that
 * came before" is not "the chart of the window before". Each is therefore kept under the end of its window, and
 * told by a timer: timers fire in the order of event time, however the charts arrived.
 *
 *     chart 10:00 ── kept ── timer 10:00 ▶ told      mended 10:00 ─ timer ▶ told again, and 10:05 looks at it again
 *     chart 10:05 ── kept ── timer 10:05 ▶ told against 10:00
 */
function riseAndFall({
  slideMs,
  latenessMs,
}: {
  slideMs: number;
  latenessMs: number;
}): (rankings: DataStream<Keyed<string, Ranking>>) => DataStream<Chart> {
  return process({
    uid: 'movement',
    state: { charts: mapState<number, KeptChart>() },
    element({ per: end, top }: Ranking, { state: { charts }, timers }): void {
      const places = top.map(({ key, value }) => ({ key, count: value }));
      const start = top[0]?.window.start ?? end;
      charts.set(end, { start, places, told: charts.get(end)?.told ?? [] });
      timers.setEventTime(end - 1);
      // The last moment at which it, or the one after it, may still be mended.
      timers.setEventTime(end - 1 + slideMs + latenessMs);
    },
    timer({ time }, { state: { charts }, timers }): Chart[] {
      const end = time + 1;
      const chart = charts.get(end);
      const told: Chart[] = [];
      if (chart !== undefined) {
        const { start, places } = chart;
        const entries = movement(places, charts.get(end - slideMs)?.places ?? []);
        if (!sameEntries(entries, chart.told)) {
          told.push({ window: { start, end }, entries });
          charts.set(end, { start, places, told: entries });
        }
        // The next chart, if it has been told already, was compared with another order.
        if (!sameOrder(chart.told, places) && charts.has(end + slideMs))
          timers.setEventTime(end + slideMs - 1);
      }
      charts.delete(end - slideMs - latenessMs);
      return told;
    },
  });
}
