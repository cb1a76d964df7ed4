/**
 * The live sessions of one key, ascending by start; none meets another. Nearly always there is one, which lies in the
 * open; older ones, that late elements may still come to, are kept beside it.
 */
import type { KeyedStateSpec } from '../core/operator.js';
import { LiveSlot } from '../state/slots.js';

/** A session with what it is worth so far. */
export interface Session {
  /** ms; `end` is exclusive. */
  start: number;
  end: number;
  accumulator: unknown;
}

const none: readonly Session[] = [];

export class KeySessions extends LiveSlot implements Session {
  /** The newest session; NaN when there is none. */
  start = NaN;
  end = NaN;
  accumulator: unknown = undefined;
  /** The time under which the key waits, ms; Infinity for none. Not part of the stored form. */
  wake = Infinity;
  /** While its bucket is worked on: the time at which it is due. Not stored. */
  due = NaN;
  /** Whether the key has been without sessions since it last had something to do. */
  lingers = false;
  #older: Session[] | undefined;

  get isEmpty(): boolean {
    return this.start !== this.start;
  }

  get isSingle(): boolean {
    return this.#older === undefined && this.start === this.start;
  }

  /** All sessions, ascending. */
  get sessions(): readonly Session[] {
    if (this.isEmpty) return none;
    return this.#older === undefined ? [this] : [...this.#older, this];
  }

  /** Replaces all sessions by others, ascending. */
  replace(sessions: readonly Session[]): void {
    const newest = sessions.at(-1);
    const older = sessions.slice(0, -1).map(({ start, end, accumulator }) => ({
      start,
      end,
      accumulator,
    }));
    this.#older = older.length === 0 ? undefined : older;
    this.accumulator = newest?.accumulator;
    const { start = NaN, end = NaN } = newest ?? {};
    this.start = start;
    this.end = end;
  }
}

/** How the sessions of a key are kept: start, end and accumulator of each, ascending. */
export function keySessionsSpec(): KeyedStateSpec<KeySessions> {
  return {
    create: () => new KeySessions(),
    pack: (live) => live.sessions.map(({ start, end, accumulator }) => [start, end, accumulator]),
    unpack(packed) {
      const live = new KeySessions();
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
