/**
 * The operator contract: what a step of a pipeline is to the task that runs it.
 *
 * Who calls what, and when:
 *
 *     create(context)             once per task, before any element; declared state has been restored by then
 *     element(value, timestamp)   once per element of the first input, never while an advance is unfinished
 *     second(value, timestamp)    the same for the second input of a two-input operator
 *     advance(time, budget)       when the input watermark has risen; again with the same time until it says `true`
 *     tick(now, budget)           when processing time has passed what was asked for; again until it says `true`
 *     completions.take(budget)    after `context.arrived()`, between two elements and never inside a walk; again until `true`
 *     close()                     once, also after an error; never before a crash
 *
 * Operators keep nothing outside declared state: that is why none of them has a barrier method.
 */
import type { BeyondCapacity, InHand } from './in-hand.js';
import type { Key } from './key.js';
import type { KeyCell, KeyedState, KeyedStateSpec } from './keyed-state.js';

export type {
  DeclaredSchema,
  KeyCell,
  KeyedState,
  KeyedStateSpec,
  Slot,
  StateEvolution,
  StateLimits,
  StateVersions,
  TimeDomain,
  TimerIndex,
} from './keyed-state.js';

/** Where an operator puts what it emits. One call per element, straight into the next operator. */
export interface Receiver {
  element(value: unknown, timestamp: number): void;
}

/** How much work one slice may still do. Shared by all operators of a walk, so that no slice blocks the loop. */
export interface Budget {
  /** Timers or outputs left; an operator takes from it and stops at 0. Infinity in mode (i). */
  left: number;
}

export interface Operator extends Receiver {
  second?(value: unknown, timestamp: number): void;
  /** Fires what is due at `time` (inclusive). Returns whether all of it has been fired. */
  advance?(time: number, budget: Budget): boolean;
  /** Fires processing-time timers due at `now` (inclusive). */
  tick?(now: number, budget: Budget): boolean;
  /** When `tick` is wanted next, in epoch ms; Infinity for never. Asked after each step of the task. */
  nextTick?(): number;
  /**
   * The output watermark for an input watermark. Absent: the same. An operator may only hold it back, except
   * for a watermark generator, which answers from its data and hears of its splits by `WatermarkGenerator`.
   */
  outputWatermark?(inputWatermark: number): number;
  /** Present on watermark generators only. */
  readonly generator?: WatermarkGenerator;
  /** Present on operators that wait for answers from outside, such as `asyncMap`. */
  readonly completions?: Completions;
  /**
   * `element` of a watermark generator in two halves, neither of which counts, so that it can be a part of a run of
   * stateless steps: the timestamp of an element, NaN for one that has been refused; and what an element that has gone on
   * means for the watermark.
   */
  stamp?(value: unknown, delivered: number): number;
  stamped?(value: unknown, timestamp: number): void;
  /**
   * What waits for event time here, for reports only: how many keys, windows or the like, and the watermark that the
   * earliest of them needs, ms. Absent: the event-time timers of the keyed state. It must be cheap and change nothing.
   */
  waiting?(): { readonly count: number; readonly earliest: number } | undefined;
  close?(): void;
}

/**
 * The part of an operator that waits for answers from outside. What it waits for is declared state from the moment it
 * enters, so barriers pass; what has arrived is emitted by `take` alone, in the turn of the task.
 */
export interface Completions {
  /**
   * Emits what has arrived, up to the next watermark that it lets go: it then asks for a walk and says `false`, so that
   * the operators behind it have seen that watermark before anything that follows. Also `false` when the budget is used
   * up. Called once before the first element, where a restore has left something to wait for.
   */
  take(budget: Budget): boolean;
  /** No further element is wanted: the task takes signals only, until `take` has made room. Asked before each element. */
  readonly isFull: boolean;
  /** Elements that have entered and not left. Until it is 0 the task has not ended, nor is its output idle. */
  readonly inFlight: number;
}

/** The part of an operator that makes watermarks: it hears of each source split by the number of its task input. */
export interface WatermarkGenerator {
  /** The split ended: what is pending goes out, and it no longer holds the others back. */
  end(split: number): void;
  /**
   * For a task input that reads one split after another. Begins: the one before has ended, and a split
   * that nothing is known of yet is waited for.
   * Else: the split has ended, and until the next one begins nobody waits.
   */
  turn(split: number, begins: boolean): void;
  /** The split has been polled in vain for the given ms. Returns how many ms more make it idle; Infinity: never. */
  polledInVain(split: number, ms: number): number;
  /** The watermark of one split, by which the task chooses among its inputs. */
  watermarkOf(split: number): number;
  /** Forces the watermark of a split up to `time`; used by test harnesses. */
  force(split: number, time: number): void;
  setIdle(split: number): void;
  isIdle(split: number): boolean;
  /** Whether all splits are idle, so that the whole output is. */
  allIdle(): boolean;
  /** What must survive a crash of one split. */
  snapshot(split: number): unknown;
  restore(split: number, state: unknown): void;
  /** What there is to say about a split, for reports only; `time` is the watermark that somebody waits for. */
  describe?(split: number, time: number): SplitFacts;
}

/** How a split stands. Times and spans in ms. */
export interface SplitFacts {
  /** Highest timestamp taken; -Infinity before the first element. */
  readonly highest: number;
  /** How far it stays behind the highest timestamp; undefined where functions of the user decide. */
  readonly boundMs: number | undefined;
  /** The earliest timestamp of an element that would raise the watermark to `time`; undefined where nobody knows. */
  readonly needs: number | undefined;
  /** Silence that makes it idle; Infinity for none. */
  readonly idlenessMs: number;
  readonly hasEnded: boolean;
}

/** Elements by what became of them. Law 3: received = accepted + late + dead + filtered + refused. */
export interface Counters {
  received: number;
  accepted: number;
  late: number;
  dead: number;
  filtered: number;
  refused: number;
}

/** What an operator may ask of the task that runs it. */
export interface OperatorContext {
  /** uid, or the derived name of a stateless step. */
  readonly name: string;
  readonly output: Receiver;
  readonly counters: Counters;
  /** The receiver of a declared side output; one that only counts when nobody reads it. */
  side(tag: string): Receiver;
  /** The key register of an input: what the nearest keyBy upstream wrote for the element in hand. */
  keyCell(input: number): KeyCell;
  /** Keyed state of this operator; allowed once, for operators that declare `state`. */
  keyedState<Live extends object>(): KeyedState<Live>;
  /** The copy of this shard, for operators that declare `replicated`; allowed once. */
  replicatedState<Live extends object>(): KeyedState<Live>;
  /** The number of the shard that it runs in, from 0. */
  readonly shard: number;
  /** How long after its time an element may still be followed by a newer version of it, by the steps upstream; ms. */
  readonly upstreamLatenessMs: number;
  /** In tests: values that are given out are frozen, so that a change in place fails loudly. */
  readonly isGuarded: boolean;
  /** The input watermark; while the operator advances, the one that it advances to, as in Flink. */
  watermark(): number;
  /** Processing time in epoch ms; the wall clock, or the virtual one. */
  now(): number;
  /** Which task input (source split) the element in hand came from. */
  currentSplit(): number;
  /** Task inputs from which elements can reach this operator. */
  readonly splits: readonly number[];
  /** Asks the task to walk its watermarks after the element in hand. */
  requestWalk(): void;
  /** The element in hand is too late: counted, sampled with its origin. */
  late(value: unknown, timestamp: number): void;
  /**
   * A user function of a step that has touched nothing failed on this element: dead letter in a job, an error in
   * a subscription. Returns so that the operator can go on with the next element.
   */
  reject(value: unknown, timestamp: number, cause: unknown): void;
  /** A user function of a stateful step failed: always throws, naming operator, key, timestamp and position. */
  fail(cause: unknown, place: { key?: unknown; timestamp?: number | undefined }): never;
  /** From here on, what is emitted is derived by this operator from the key and time given, until the next element. */
  derive(key: unknown, time: number): void;
  /** Which element is in hand, to be kept beside it and given to `resume` later. */
  inHand(): InHand;
  /** From here on, what is emitted comes from this element, which was in hand once; until the next element. */
  resume(element: InHand): void;
  /** Something has arrived that `completions.take` emits. May be called at any time, also where nobody is in a step. */
  arrived(): void;
  /** `completions.isFull` has become true. */
  hold(): void;
  /**
   * What becomes of elements that an operator has no capacity for. `hold`: the task holds its inputs back while
   * `completions.isFull`. `keep`: nobody can be held back, and all are kept (the harness). `refuse`: nobody can be held
   * back, and nothing may grow without bound (a subscription).
   */
  readonly beyondCapacity: BeyondCapacity;
  /** Whether a key belongs to this shard, for operators without a key that need keys for their state. */
  ownsKey(key: Key): boolean;
}

/** What kind of step a node is; the planner and the checks of the graph go by it. */
export interface OperatorSpec {
  /** The name that users write: `map`, `window`. */
  readonly operator: string;
  readonly uid: string | undefined;
  /** The uid that its state was kept under before; looked at while there is state of that name. */
  readonly renamedFrom?: string;
  readonly inputs: 1 | 2;
  /** Keyed operators need a keyBy before each input. */
  readonly keyed: boolean;
  /** Whether it judges elements by event time, so that an eventTime must stand before it, or before some input of it. */
  readonly needsEventTime: boolean | 'someInput';
  /** What comes out still carries the key that came in (only steps that pass elements through). */
  readonly keepsKey: boolean;
  /** Present when the operator has keyed state. */
  readonly state?: KeyedStateSpec;
  /** Present when every shard holds a copy of the same entries; a checkpoint keeps that of the first shard. */
  readonly replicated?: KeyedStateSpec;
  /** Present on steps whose elements go to every shard behind them. */
  readonly spreads?: true;
  /** Present on watermark generators. */
  readonly assignsTime?: boolean;
  readonly sideOutputs: readonly string[];
  /** Present on steps of one function that keep nothing: a run of them may be made into one (src/runtime/fusion.ts). */
  readonly stateless?: Stateless;
  /** Facts for steps behind it and for `explain`, such as the allowed lateness of a window in ms. */
  readonly facts: OperatorFacts;
  create(context: OperatorContext): Operator;
}

/** A step of one function: it replaces an element, or lets it through. */
export interface Stateless {
  readonly kind: 'map' | 'filter';
  readonly fn: (value: never) => unknown;
  /** The error for a function that gives a promise. */
  readonly asyncError: () => Error;
}

export interface OperatorFacts {
  /** What the kept state depends on, such as the width of slices; another one under the same uid is refused. */
  readonly stateShape?: string;
  /** One line for `explain`, such as `sliding 1h / 5m`. */
  readonly summary?: string;
  /** How long after its time a result may still be updated, in ms; `inherited` from the steps that feed it. */
  readonly latenessMs?: number | 'inherited';
  /** Whether equal input gives equal output in any admissible order. */
  readonly deterministic?: boolean;
}
