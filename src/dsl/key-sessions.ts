/**
 * The live sessions of one key, ascending by start; none meets another. Nearly always there is one, which lies in the
 * open; older ones, that late elements may still come to, are kept beside it.
 */
import type { KeyedStateSpec } from '../core/operator.js';
import { LiveSlot } from '../state/slots.js';
import { TimeOrigin } from '../time/time-origin.js';

/** A session with what it is worth so far. */
export interface Session {
  /** ms; `end` is exclusive. */
  readonly start: number;
  readonly end: number;
  readonly accumulator: unknown;
}

const none: readonly Session[] = [];
const fromZero = new TimeOrigin();

export class KeySessions extends LiveSlot implements Session {
  /** What the times of the newest session are counted from. */
  origin: TimeOrigin = fromZero;
  /** Sessions in all. */
  size = 0;
  /** Start and end of the newest session, counted from the origin; mean nothing when there is none. */
  from = 0;
  to = 0;
  accumulator: unknown = undefined;
  /** Under which time the key waits, see `WakeBuckets`. Not part of the stored form. */
  waits = false;
  wake = 0;
  /** While its bucket is worked on: the time at which it is due, counted from the operator's origin. Not stored. */
  due = 0;
  /** Whether the key has been without sessions since it last had something to do. */
  lingers = false;
  #older: readonly Session[] = none;

  get isEmpty(): boolean {
    return this.size === 0;
  }

  get isSingle(): boolean {
    return this.size === 1;
  }

  /** The newest session, ms; NaN when there is none. */
  get start(): number {
    return this.size === 0 ? NaN : this.origin.ms + this.from;
  }

  get end(): number {
    return this.size === 0 ? NaN : this.origin.ms + this.to;
  }

  /** All sessions, ascending. */
  get sessions(): readonly Session[] {
    if (this.isEmpty) return none;
    return this.size === 1 ? [this] : [...this.#older, this];
  }

  /** Replaces all sessions by others, ascending. */
  replace(sessions: readonly Session[]): void {
    const newest = sessions.at(-1);
    const older = sessions.slice(0, -1).map(({ start, end, accumulator }) => ({
      start,
      end,
      accumulator,
    }));
    this.#older = older.length === 0 ? none : older;
    this.accumulator = newest?.accumulator;
    if (newest === undefined) {
      this.size = 0;
      return;
    }
    // Both read before one is written: it may be this one.
    const { start, end } = newest;
    this.from = start - this.origin.ms;
    this.to = end - this.origin.ms;
    this.size = sessions.length;
  }

  /** The first session of a key that has none. */
  open(
    origin: TimeOrigin,
    { start, end }: Pick<Session, 'start' | 'end'>,
    accumulator: unknown,
  ): void {
    this.origin = origin;
    this.size = 1;
    this.from = start - origin.ms;
    this.to = end - origin.ms;
    this.accumulator = accumulator;
  }

  /** Counts by so many ms more, because the origin lies so much earlier from now on. */
  shift(ms: number): void {
    this.from += ms;
    this.to += ms;
    this.wake += ms;
  }

  /** Forgets its only session. */
  clear(): void {
    this.size = 0;
    this.accumulator = undefined;
  }

  /** Counts from another origin from now on. */
  countFrom(origin: TimeOrigin): void {
    const { start, end } = this;
    this.origin = origin;
    if (this.size === 0) return;
    this.from = start - origin.ms;
    this.to = end - origin.ms;
  }
}

/** How the sessions of a key are kept: start, end and accumulator of each, ascending. */
export function keySessionsSpec(): KeyedStateSpec<KeySessions> {
  return {
    create: () => new KeySessions(),
    pack: (live) => live.sessions.map(({ start, end, accumulator }) => [start, end, accumulator]),
    unpack(packed) {
      const live = new KeySessions();
      // Near by, so that small numbers stay small; the operator puts in its own.
      live.origin = new TimeOrigin();
      live.origin.settle((packed as [number][]).at(-1)?.[0] ?? 0);
      live.replace(
        (packed as [number, number, unknown][]).map(([start, end, accumulator]) => ({
          start,
          end,
          accumulator,
        })),
      );
      return live;
    },
    isEmpty: (live) => live.isEmpty,
  };
}
