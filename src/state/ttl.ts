/**
 * Time to live: how a state declaration says that what has not been written for a while is gone, and the arithmetic
 * of stamps behind it. After Flink's `StateTtlConfig`, with one addition: event time.
 *
 *     write at 100, after 60          expired when stamp + after <= now
 *     ──┬───────────────────┬──────▶
 *      100      live       160  gone
 *
 * In event time *now* is the watermark, while the stamp is the timestamp of the element in hand, which is mostly ahead
 * of the watermark: so a state lives for `after` of event time beyond its newest write, whatever the disorder.
 */
import { durationMs, type Duration } from '../core/duration.js';
import { TidemarkError, show } from '../core/errors.js';
import type { SchemaOptions } from './declared-schema.js';

/** When a state that is not written any more is forgotten. */
export interface TtlOptions {
  /** How long after its stamp a value lives; more than 0. It is gone when stamp + `after` <= now. */
  readonly after: Duration;
  /** What stamps a value: writing it, or reading it too. Default `onCreateAndWrite`. */
  readonly update?: 'onCreateAndWrite' | 'onReadAndWrite';
  /**
   * Whether an expired value that is still stored may be read one last time: that read removes it. When it is cleaned
   * up depends on the traffic and on restarts, so results of `returnExpiredIfNotCleanedUp` do too. Default
   * `neverReturnExpired`.
   */
  readonly visibility?: 'neverReturnExpired' | 'returnExpiredIfNotCleanedUp';
  /**
   * The clock. `event`: now is the input watermark of the step, or the time of the event-time timer that fires, so a
   * replay forgets what the live run forgot; a value is stamped with the timestamp of the element or timer in hand
   * (the watermark where there is none), and an older write never moves a stamp back. Needs an `eventTime`.
   * `processing`: both are the clock on the wall. Default `event`.
   */
  readonly time?: 'event' | 'processing';
  /**
   * Whether expired values that nobody reads are dropped: `incremental` looks at two keys per element, round and
   * round, so memory stays within about twice of what is alive. Default `incremental`.
   */
  readonly cleanup?: 'incremental' | 'none';
}

/** Options of every state declaration. */
export interface StateOptions<T = never> extends SchemaOptions<T> {
  /** Default: values live until they are cleared. */
  readonly ttl?: TtlOptions;
}

/** What the time of a state is read from: the cursor of the operator. */
export interface StateTime {
  /** Event time of the element or timer in hand, ms; NaN where there is none. */
  readonly timestamp: number;
  /** How far event time has come, ms; -Infinity before the first watermark. */
  eventTime(): number;
  /** Epoch ms. */
  processingTime(): number;
}

/** A value and when it was stamped; NaN while that is not known, because there was neither timestamp nor watermark. */
export class Stamped<T = unknown> {
  value: T;
  stamp: number;

  constructor(value: T, stamp: number) {
    this.value = value;
    this.stamp = stamp;
  }
}

/** The options of a state, checked, with the arithmetic of its stamps. */
export class Ttl {
  readonly afterMs: number;
  readonly isEvent: boolean;
  readonly stampsReads: boolean;
  readonly givesExpired: boolean;
  readonly isSwept: boolean;

  constructor(options: TtlOptions, afterMs: number) {
    this.afterMs = afterMs;
    this.isEvent = (options.time ?? 'event') === 'event';
    this.stampsReads = options.update === 'onReadAndWrite';
    this.givesExpired = options.visibility === 'returnExpiredIfNotCleanedUp';
    this.isSwept = (options.cleanup ?? 'incremental') === 'incremental';
  }

  now(time: StateTime): number {
    return this.isEvent ? time.eventTime() : time.processingTime();
  }

  /** The stamp of what is written now. NaN for not known: it expires only after the sweeper has stamped it. */
  stamp(time: StateTime): number {
    if (!this.isEvent) return time.processingTime();
    const { timestamp } = time;
    if (timestamp === timestamp) return timestamp;
    const reached = time.eventTime();
    return reached === -Infinity ? NaN : reached;
  }

  /** A stamp over a former one: in event time an element that comes late never makes a state older. */
  later(former: number, stamp: number): number {
    return this.isEvent && former > stamp ? former : stamp;
  }

  isExpired(stamp: number, now: number): boolean {
    return stamp + this.afterMs <= now;
  }
}

/** What the sweeper hands to a state: one cell to look at, and how much work is left in this turn. */
export interface SweepTurn {
  /** What the cell of a state holds. */
  read(index: number): unknown;
  write(index: number, value: unknown): void;
  /** By the clock of the state. */
  readonly now: number;
  /** Entries of maps that may still be looked at before the next element. */
  left: number;
  /** Where a map was left off, until all of it has been looked at. */
  rest: SweptMap | undefined;
  /** Must be called before what a cell holds is changed in place. */
  touch(): void;
}

export interface SweptMap {
  readonly of: unknown;
  readonly entries: IterableIterator<unknown>;
}

const choices = {
  update: ['onCreateAndWrite', 'onReadAndWrite'],
  visibility: ['neverReturnExpired', 'returnExpiredIfNotCleanedUp'],
  time: ['event', 'processing'],
  cleanup: ['incremental', 'none'],
} as const;

/**
 * Reads the options of a state declaration.
 *
 * @param where the declaration, such as `valueState`
 * @throws TidemarkError OPTIONS_INVALID naming all that is unknown or out of range; DURATION_INVALID
 */
export function ttlOf(options: StateOptions<unknown> | undefined, where: string): Ttl | undefined {
  if (options === undefined) return undefined;
  refuseUnknown(options, ['ttl', 'schema', 'migrate'], `options of ${where}`);
  const { ttl } = options;
  if (ttl === undefined) return undefined;
  refuseUnknown(ttl, ['after', ...Object.keys(choices)], `ttl of ${where}`);
  for (const [name, allowed] of Object.entries(choices)) {
    const value: unknown = Reflect.get(ttl, name);
    if (value !== undefined && !(allowed as readonly unknown[]).includes(value))
      throw invalid(
        allowed.map(show).join(' or '),
        `${name}: ${show(value)}`,
        `ttl of ${where}`,
        'Leave it out for the first of them.',
      );
  }
  const afterMs = durationMs(ttl.after, `ttl.after of ${where}`);
  if (afterMs > 0) return new Ttl(ttl, afterMs);
  throw new TidemarkError('DURATION_INVALID', {
    expected: 'a duration > 0',
    got: show(ttl.after),
    where: `ttl.after of ${where}`,
    hint: 'A state that expires at once keeps nothing; say how long a value lives after its last write.',
  });
}

function refuseUnknown(options: unknown, known: readonly string[], where: string): void {
  if (typeof options !== 'object' || options === null)
    throw invalid(
      'an object of options',
      show(options),
      where,
      "Write it as { ttl: { after: '1h' } }.",
    );
  const unknown = Object.keys(options).filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw invalid(
      `only ${known.join(', ')}`,
      `unknown option ${unknown.map(show).join(', ')}`,
      where,
      'Correct the name, or take it away.',
    );
}

function invalid(expected: string, got: string, where: string, hint: string): TidemarkError {
  return new TidemarkError('OPTIONS_INVALID', { expected, got, where, hint });
}
