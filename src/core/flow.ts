/**
 * What flows and how: elements go down by synchronous calls, everything else rides in band between chunks.
 *
 *     ─ chunk ─ chunk ─ watermark ─ chunk ─ barrier ─ chunk ─ end ─▶
 *
 * Time is always event time in epoch milliseconds, an argument and never a wrapper: nothing is allocated per event.
 */

/** No element with a timestamp at or below the watermark is expected any more. Before the first one: */
export const MIN_WATERMARK = -Infinity;
/** After the last element of a bounded input, the watermark that fires everything. */
export const MAX_WATERMARK = Infinity;

/** The timestamp of an element that has none, because no `eventTime` stands before it. Test with `hasTimestamp`. */
export const NO_TIMESTAMP = NaN;

export function hasTimestamp(timestamp: number): boolean {
  return timestamp === timestamp;
}

/** Where elements come from: one split of a source, or (for derived elements) the operator that made them. */
export interface Origin {
  /** Such as `plays.csv`, or `window "plays-per-song"`. */
  readonly name: string;
  /** What a position counts: `line`, `offset`, `element`; for derived elements `time`. */
  readonly unit: string;
}

/**
 * A run of elements of one origin, as columns of equal length. A chunk belongs to whoever holds it; nobody changes
 * it after it has been sent.
 */
export interface Chunk {
  readonly kind: 'chunk';
  readonly values: readonly unknown[];
  /** Event time in ms, `NO_TIMESTAMP` where there is none. */
  readonly timestamps: readonly number[];
  /** The key of each element on a keyed edge; empty on others. */
  readonly keys: readonly unknown[];
  /** Line, offset or ordinal of each element within its origin; empty where `firstPosition` says it. */
  readonly positions: readonly number[];
  /** The position of the first element, where the others count on from it. */
  readonly firstPosition?: number;
  readonly origin: Origin;
  /** For derived elements the key that each was derived from; empty for others. */
  readonly derivedKeys: readonly unknown[];
  /** Records of a source that could not be decoded, each before the element of its index; ascending. */
  readonly unreadable?: readonly Unreadable[];
}

/** A record that a source could not decode: it becomes a dead letter, never an element. */
export interface Unreadable {
  /** It stood before the element with this index in its chunk. */
  readonly before: number;
  readonly position: number;
  /** The raw record as text, cut to a readable length. */
  readonly raw: string;
  readonly reason: string;
}

/** No element at or below `time` follows on this edge; ends idleness. */
export interface WatermarkSignal {
  readonly kind: 'watermark';
  readonly time: number;
}

/** This edge has nothing to say for now, and must not hold the others back. The next watermark or `active` ends it. */
export interface IdleSignal {
  readonly kind: 'idle';
}

/** This edge takes part in the minimum again. */
export interface ActiveSignal {
  readonly kind: 'active';
  /** It was so already before a restore, after having been idle; nobody waits for its first watermark. */
  readonly wasIdle?: true;
}

/** Everything before belongs to `epoch`, everything after to the next. Aligned where inputs meet. */
export interface BarrierSignal {
  readonly kind: 'barrier';
  readonly epoch: number;
}

/** Within an edge that reads one split after another: the split has ended, or another one begins, which ends it too. */
export interface SplitSignal {
  readonly kind: 'split';
  readonly begins: boolean;
}

/** Nothing follows but barriers: the watermark of this edge is at its end. */
export interface EndSignal {
  readonly kind: 'end';
}

export type Signal =
  | WatermarkSignal
  | IdleSignal
  | ActiveSignal
  | BarrierSignal
  | SplitSignal
  | EndSignal;
export type Flow = Chunk | Signal;

/** How many elements a channel holds at most, and how many one slice of work may emit. */
export const CHUNK_ELEMENTS_MAX = 1024;
