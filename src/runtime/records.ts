/** Late and failed records as they are reported: named by the source record, or by what derived them. */
import { show } from '../core/errors.js';
import type { Counters } from '../core/operator.js';
import type { Whence } from './channel.js';

/** An element that came too late for everything that could still have counted it. */
export interface LateRecord {
  readonly operator: string;
  /** Event time, ms. */
  readonly timestamp: number;
  /** The watermark that it was behind, ms. */
  readonly watermark: number;
  /** Such as `plays.csv line 17`. */
  readonly position: string;
  readonly key: unknown;
}

/** A record that failed before it touched any state: kept as a dead letter. */
export interface DeadRecord {
  readonly operator: string;
  readonly position: string;
  /** The coded error, or what the user function threw. */
  readonly reason: string;
  /** The record as text, cut to a readable length. */
  readonly raw: string;
  /** ms; undefined before event time. */
  readonly timestamp: number | undefined;
}

/** How many late or dead records are kept as examples. */
export const SAMPLES_MAX = 10;

/** `plays.csv line 17`; for derived elements `window "plays" key "a" time 3600000`. */
export function describeWhence({ origin, position, derivedKey }: Whence): string {
  const key = origin.unit === 'time' ? ` key ${show(derivedKey)}` : '';
  return `${origin.name}${key} ${origin.unit} ${position}`;
}

export function makeCounters(): Counters {
  return { received: 0, accepted: 0, late: 0, dead: 0, filtered: 0, refused: 0 };
}

export function addCounters(into: Counters, other: Counters): void {
  into.received += other.received;
  into.accepted += other.accepted;
  into.late += other.late;
  into.dead += other.dead;
  into.filtered += other.filtered;
  into.refused += other.refused;
}
