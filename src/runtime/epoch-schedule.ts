/**
 * When an epoch is due, and why: by time, by records read, by bytes of changed state, because somebody asks, or because
 * the run ends. A pure machine; times are monotonic ms, so that a clock that is set back holds no epoch up.
 *
 *     begun ── barriers, commit, publish ── ended ── at least minPause ── due ── begun …
 *
 * Laws: one epoch at a time; who asks is served by an epoch that begins after the question; an ending waits for nobody.
 */

import type { EpochInfo } from '../checkpoint/job-record.js';

/** Why an epoch ended: `forced` is the state backend that wants its changes out of the heap. */
export type EpochReason = EpochInfo['reason'];

export interface EpochLimits {
  /** ms between the beginnings of two epochs; Infinity for never. */
  readonly everyMs: number;
  /** Source records between two epochs; Infinity for any number. */
  readonly everyRecords: number;
  /** Bytes of changed state between two epochs, as far as they are known; Infinity for any number. */
  readonly everyBytes: number;
  /** ms between the end of an epoch and the beginning of the next, unless somebody asks for it. */
  readonly minPauseMs: number;
  /** ms that an epoch may take from its barriers to its end. */
  readonly timeoutMs: number;
}

export class EpochSchedule {
  readonly #limits: EpochLimits;
  #dueAt: number;
  #earliestAt = -Infinity;
  #begunAt: number | undefined;
  #recordsAtEpoch: number;
  #asked: 'demand' | 'forced' | undefined;
  /** Whether records or bytes were beyond their limit when last looked at. */
  #isLarge = false;

  /** @param start `now` in monotonic ms; `records` read before */
  constructor(limits: EpochLimits, start: { readonly now: number; readonly records: number }) {
    this.#limits = limits;
    this.#dueAt = start.now + limits.everyMs;
    this.#recordsAtEpoch = start.records;
  }

  /** Whether an epoch is between its beginning and its end. */
  get isBusy(): boolean {
    return this.#begunAt !== undefined;
  }

  /** Asks for an epoch as soon as none is under way. */
  ask(reason: 'demand' | 'forced'): void {
    this.#asked ??= reason;
  }

  /** Why an epoch should begin now; undefined if none should. */
  due(now: number, seen: { readonly records: number; bytes(): number }): EpochReason | undefined {
    if (this.isBusy) return undefined;
    if (this.#asked !== undefined) return this.#asked;
    const { everyRecords, everyBytes } = this.#limits;
    const manyRecords = seen.records - this.#recordsAtEpoch >= everyRecords;
    // Bytes are costly to count, so they are asked for only where somebody goes by them.
    const manyBytes = !manyRecords && everyBytes !== Infinity && seen.bytes() >= everyBytes;
    this.#isLarge = manyRecords || manyBytes;
    if (now < this.#earliestAt) return undefined;
    if (manyRecords) return 'records';
    if (manyBytes) return 'bytes';
    return now >= this.#dueAt ? 'interval' : undefined;
  }

  /** When to look again, if nothing else happens before. */
  nextAt(): number {
    if (this.#begunAt !== undefined) return this.#begunAt + this.#limits.timeoutMs;
    return Math.max(this.#earliestAt, this.#isLarge ? -Infinity : this.#dueAt);
  }

  begun(now: number, records: number): void {
    this.#begunAt = now;
    this.#dueAt = now + this.#limits.everyMs;
    this.#recordsAtEpoch = records;
    this.#asked = undefined;
    this.#isLarge = false;
  }

  ended(now: number): void {
    this.#begunAt = undefined;
    this.#earliestAt = now + this.#limits.minPauseMs;
  }

  hasTimedOut(now: number): boolean {
    return this.#begunAt !== undefined && now - this.#begunAt >= this.#limits.timeoutMs;
  }
}
