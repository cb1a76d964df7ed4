/**
 * Sessions of each key by hand, for exactly this job: counts only, nothing late, the gap far longer than elements are
 * out of order.
 *
 *     due by end     | 0.0 s | 0.2 s | 0.4 s | ...     a wheel of buckets; each key stands in one of them, and a key
 *                      a c      b                      whose session has grown is moved on when its bucket comes up
 *
 * So an element that prolongs a session costs one look into the map and two numbers; no timer is ever moved.
 */
import { HandWatermark, type CountResult, type HandWindows } from './hand-windows.js';
import type { Play } from './plays.js';

interface Session {
  readonly user: number;
  start: number;
  end: number;
  /** 0 once it has fired, or is part of a newer one. */
  count: number;
  /** The session of the key before this one, as long as it has not fired. */
  older: Session | undefined;
}

const BUCKET_MS = 200;

export class HandSessions implements HandWindows {
  readonly #gapMs: number;
  /** The newest session of each key. */
  readonly #sessions = new Map<number, Session>();
  readonly #wheel: Session[][];
  readonly #watermark = new HandWatermark({ everyMs: BUCKET_MS });
  readonly #fire: (results: CountResult[]) => void;
  /** The number of the bucket that comes up next; NaN before the first session. */
  #next = Number.NaN;

  constructor(gapMs: number, fire: (results: CountResult[]) => void) {
    this.#gapMs = gapMs;
    // From the watermark to the end of a session that has just begun, and some room for what is out of order.
    this.#wheel = Array.from({ length: Math.ceil(gapMs / BUCKET_MS) + 8 }, () => []);
    this.#fire = fire;
  }

  add({ user, at }: Play): void {
    const session = this.#sessions.get(user);
    if (session === undefined) this.#enter(user, at);
    else if (at > session.end || session.count === 0) this.#begin(session, at);
    else if (at < session.start) this.#reachBack(session, at);
    else {
      session.count += 1;
      const end = at + this.#gapMs;
      if (end > session.end) session.end = end;
    }
    const watermark = this.#watermark.after(at);
    if (watermark === undefined) return;
    const complete = Math.floor((watermark + 1) / BUCKET_MS);
    while (this.#next < complete) this.#fireNext();
  }

  addAll(plays: readonly Play[]): void {
    for (let index = 0; index < plays.length; index += 1) this.add(plays[index] as Play);
  }

  end(): void {
    while (this.#sessions.size > 0) this.#fireNext();
  }

  #enter(user: number, at: number): void {
    if (Number.isNaN(this.#next)) this.#next = Math.floor(at / BUCKET_MS);
    const session = { user, start: at, end: at + this.#gapMs, count: 1, older: undefined };
    this.#sessions.set(user, session);
    this.#enqueue(session, session.end);
  }

  /** A new session of a key that is known; the one before may have ended without having fired yet. */
  #begin(session: Session, at: number): void {
    if (session.count > 0) {
      session.older = { ...session, older: undefined };
      this.#enqueue(session.older, session.end);
    }
    session.start = at;
    session.end = at + this.#gapMs;
    session.count = 1;
  }

  /** An element before the session's first one: it may join the session to the one before. */
  #reachBack(session: Session, at: number): void {
    const { older } = session;
    session.count += 1;
    session.start = at;
    if (older === undefined || older.count === 0 || at > older.end) return;
    session.start = older.start;
    session.count += older.count;
    older.count = 0;
    session.older = undefined;
  }

  #enqueue(session: Session, time: number): void {
    const bucket = Math.floor(time / BUCKET_MS) % this.#wheel.length;
    (this.#wheel[bucket] as Session[]).push(session);
  }

  #fireNext(): void {
    const slot = this.#next % this.#wheel.length;
    const bucket = this.#wheel[slot] as Session[];
    this.#wheel[slot] = [];
    this.#next += 1;
    const before = this.#next * BUCKET_MS;
    const results: CountResult[] = [];
    for (let index = 0; index < bucket.length; index += 1) {
      const session = bucket[index] as Session;
      const { user, start, end, count } = session;
      if (count === 0) {
        if (this.#sessions.get(user) === session) this.#sessions.delete(user);
      } else if (end >= before) {
        this.#enqueue(session, end);
      } else {
        results.push({ key: user, window: { start, end }, value: count });
        session.count = 0;
        session.older = undefined;
        // Forgotten a gap later, because many keys come back until then.
        this.#enqueue(session, end + this.#gapMs);
      }
    }
    if (results.length > 0) this.#fire(results);
  }
}
