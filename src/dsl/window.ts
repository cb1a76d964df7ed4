/** `window`: one result per key and window, once event time has passed the end of the window. */
import type { Observable } from 'rxjs';
import { durationMs, formatDuration, type Duration } from '../core/duration.js';
import {
  SliceAssigner,
  describeWindows,
  type AlignedWindows,
  type TimeWindow,
} from '../time/windows.js';
import type { Aggregator } from './aggregators.js';
import type { DataStream, Keyed, OutputTag } from './data-stream.js';
import { defineOperator } from './define-operator.js';
import { SlicedWindows, windowStateSpec } from './sliced-windows.js';

export interface WindowOptions<T> {
  /** Panes and timers are found by it after a restart. */
  readonly uid: string;
  /**
   * How long after its end a window still takes elements; each of them emits an updated result at once. Default 0:
   * the first result is the only one.
   */
  readonly allowedLateness?: Duration;
  /** Where elements go that are too late for all their windows. They are counted in any case. */
  readonly late?: OutputTag<T>;
}

/** The result of one window for one key. Its timestamp is `window.end - 1`, and the watermark follows it. */
export interface WindowResult<K, Value> {
  readonly key: K;
  /** Event time in epoch ms; `end` is exclusive. */
  readonly window: TimeWindow;
  readonly value: Value;
}

/**
 * Aggregates per key and window. Each element updates one slice; overlapping windows are put together from slices when
 * they fire. Rules after Flink's default event-time trigger: a window fires when the watermark reaches `end - 1`; an
 * element is late when the last of its windows ended more than `allowedLateness` ago.
 *
 * @param spec `tumbling(...)` or `sliding(...)`
 * @param aggregator such as `count()`, `sum((play) => play.ms)`
 *
 * @example
 * import { count, eventTime, keyBy, sliding, window } from 'tidemark';
 * import { of } from 'rxjs';
 * of({ song: 'a', at: 0 }, { song: 'a', at: 5_000 })
 *   .pipe(
 *     eventTime({ timestamp: (play) => play.at }),
 *     keyBy((play) => play.song),
 *     window(sliding({ size: '10s', slide: '5s' }), count(), { uid: 'plays' }),
 *   )
 *   .subscribe((result) => console.log(result.window.start, result.window.end, result.value));
 * // => -5000 5000 1
 * // => 0 10000 2
 * // => 5000 15000 1
 *
 * @throws TidemarkError DURATION_INVALID; KEY_MISSING or TIME_MISSING when it is piped
 */
export function window<K, T, Accumulator, Value>(
  spec: AlignedWindows,
  aggregator: Aggregator<T, Accumulator, Value>,
  options: WindowOptions<T>,
): (source: Observable<Keyed<K, T>>) => DataStream<WindowResult<K, Value>> {
  const latenessMs = durationMs(
    options.allowedLateness ?? 0,
    `allowedLateness of window "${options.uid}"`,
  );
  const late = options.late?.id;
  const lateness = latenessMs === 0 ? '' : `, ${formatDuration(latenessMs)} late`;
  return defineOperator<Keyed<K, T>, WindowResult<K, Value>>({
    operator: 'window',
    uid: options.uid,
    keyed: true,
    needsEventTime: true,
    state: windowStateSpec<Accumulator>(),
    sideOutputs: late === undefined ? [] : [late],
    facts: {
      summary: `${describeWindows(spec)}, ${aggregator.name}${lateness}`,
      latenessMs,
      stateShape: `${spec.sizeMs}/${spec.slideMs}+${spec.offsetMs} ${aggregator.name}`,
    },
    create: (context) =>
      new SlicedWindows<Accumulator>(context, {
        slices: new SliceAssigner(spec),
        aggregator: aggregator as Aggregator<unknown, Accumulator, unknown>,
        latenessMs,
        late,
      }),
  });
}
