/** What `why` reports: plain values, ready for JSON. */
import { MAX_WATERMARK, MIN_WATERMARK } from '../core/flow.js';
import type { Counters } from '../core/operator.js';
import type { Phase } from './job-options.js';

/** Event time in epoch ms; `none` before the first watermark, `end` once everything has come. */
export type WhyTime = number | 'none' | 'end';

/** What holds a step back. */
export interface WhyHolder {
  /**
   * `split`: a source split, by its elements or their absence. `untimed`: an input without event time. `step`: a step
   * that keeps its output back. `channel`: the watermark is further already, and on its way.
   */
  readonly kind: 'split' | 'untimed' | 'step' | 'channel';
  /** Steps from the one that waits, exclusive, up to the one that is held, such as `keyBy`, `eventTime`. */
  readonly path: readonly string[];
  /** Name of the declared input; undefined for steps and channels. */
  readonly input: string | undefined;
  /** Id of the source split; undefined where the input is not split. */
  readonly split: string | undefined;
  readonly watermark: WhyTime;
  /** Highest timestamp of the split, ms; undefined before its first element. */
  readonly highest: number | undefined;
  /** The earliest timestamp of an element of this split that would do, ms; undefined where nobody knows. */
  readonly needs: number | undefined;
  readonly isIdle: boolean;
  /** Elements that have been read, but not worked through yet. */
  readonly queued: number;
  /** One sentence: how it stands. */
  readonly reason: string;
  /** One sentence: what will help. */
  readonly cure: string;
}

/** A step that may wait for time. With several shards: all of them together. */
export interface WhyStep {
  /** uid, or a derived name. */
  readonly name: string;
  /** What users write: `window`, `process`. */
  readonly kind: string;
  /** Its input watermark; the lowest over its shards. */
  readonly watermark: WhyTime;
  /** What waits for event time: timers, or keys with open windows. */
  readonly waiting: number;
  /** The watermark that the earliest of them needs, ms; undefined when none waits. */
  readonly needs: number | undefined;
  /** How far the watermark is behind that, ms; undefined before the first watermark. */
  readonly behindMs: number | undefined;
  /** Processing-time timers that wait. */
  readonly clockTimers: number;
  /** Until the first of them is due, ms; undefined when none waits. */
  readonly clockDueInMs: number | undefined;
  /** Keys with state. */
  readonly keys: number;
  /** Elements by what became of them. */
  readonly counters: Counters;
  /** What holds the watermark back; empty when nothing waits for it. */
  readonly heldBy: readonly WhyHolder[];
}

/** A plain value, ready for JSON, that prints as its text. */
export interface WhyReport {
  readonly pipeline: string;
  /** Of the job; `testing` in a harness. */
  readonly phase: Phase | 'testing';
  /** Steps that keep state or timers, in the order of the pipeline; none before a job has recovered. */
  readonly steps: readonly WhyStep[];
  /** Elements that other steps have dropped, by name of the step; only those that have. */
  readonly dropped: Readonly<Record<string, Pick<Counters, 'late' | 'dead' | 'filtered'>>>;
  /** Tasks that stand still because an output has no room. */
  readonly blocked: readonly string[];
  /** All of it in plain words. */
  readonly text: string;
  toString(): string;
}

/** Event time for a report: infinities do not survive JSON. */
export function whyTime(time: number): WhyTime {
  if (time === MIN_WATERMARK) return 'none';
  return time === MAX_WATERMARK ? 'end' : time;
}
