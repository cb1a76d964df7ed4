/**
 * The pipeline of the service: the most played songs of the last minute, anew every second.
 *
 *     plays ── eventTime, idle after 3 s ──┐
 *                                          ├─ union ─ filter ─ keyBy song ─ sliding count ─ topK ──▶ charts
 *     pulse ── eventTime ──────────────────┘                                      └──▶ too late
 *
 * The pulse is a tick of the wall clock every second. The watermark is the minimum of both inputs, so a player whose
 * clock runs ahead closes no window early; and when nobody plays anything, the plays are idle after three seconds
 * and the pulse alone finishes the windows that are open. Without it the last charts would wait for the next play.
 */
import {
  count,
  eventTime,
  filter,
  keyBy,
  outputTag,
  pipeline,
  sliding,
  topK,
  unchecked,
  union,
  window,
} from '../../src/index.js';
import type { PipelineDefinition, TopK, WindowResult } from '../../src/index.js';
import { limits } from './limits.js';

export interface Play {
  readonly song: string;
  /** When it was played: event time, epoch ms. */
  readonly at: number;
  /** How long it was listened to. */
  readonly seconds: number;
}

/** The wall clock as an element. */
export interface Pulse {
  readonly at: number;
}

export type Ranking = TopK<WindowResult<string, number>, number>;

export type LiveTrends = PipelineDefinition<
  { readonly plays: Play; readonly pulse: Pulse },
  { readonly charts: Ranking; readonly late: Play }
>;

/** Shorter listens are skips. */
export const heardSeconds = 30;
/** How long charts wait for stragglers. */
export const outOfOrderness = '2s';
export const pulseMs = 1_000;

export function liveTrends(): LiveTrends {
  return pipeline(
    'live-trends',
    { plays: unchecked<Play>(), pulse: unchecked<Pulse>() },
    (inputs) => {
      const late = outputTag<Play>('late');
      const pulse = inputs.pulse.pipe(eventTime({ timestamp: ({ at }) => at, outOfOrderness }));
      const counted = inputs.plays.pipe(
        eventTime<Play>({ timestamp: ({ at }) => at, outOfOrderness, idleness: '3s' }),
        union<Play | Pulse>(pulse),
        filter((signal): signal is Play => 'song' in signal && signal.seconds >= heardSeconds),
        keyBy(({ song }) => song),
        window(sliding({ size: '1m', slide: '1s' }), count(), { uid: 'plays', late }),
      );
      const charts = counted.pipe(
        topK(limits.places, {
          uid: 'chart',
          by: (result) => result.value,
          per: (result) => result.window.end,
        }),
      );
      return { charts, late: counted.side(late) };
    },
  );
}
