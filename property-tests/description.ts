/**
 * A pipeline as plain data: small enough to shrink, rich enough to meet every operator.
 *
 *     source ─ map ─ union ─ keyBy ─ window ─ keyBy ─ topK ─▶
 *
 * `build.ts` makes a Tidemark pipeline of it, `oracle.ts` recomputes what it must give. The functions here are the
 * user's own (what to key by, what to add), so both may call them.
 */
import type { Key } from 'tidemark';
import type { AsyncStep } from './async-step.js';
import { textOf } from './text.js';
import type { WindowStep } from './window-step.js';

/** What flows everywhere, before and behind every step. */
export interface Item {
  readonly key: Key;
  /** A whole number, so that sums do not depend on their order. */
  readonly n: number;
  /** Event time, ms; nearly always the timestamp in the stream too. */
  readonly at: number;
  /** The source elements that it was made of, ascending; empty where an aggregate has forgotten them. */
  readonly ids: readonly number[];
  /** The start of the window that it came out of. */
  readonly start?: number;
  /** The ranked items, best first, of a topK. */
  readonly top?: readonly Item[];
  /** The side output that it came out of. */
  readonly side?: string;
  /** How far its time lies ahead of the time when it was appended, ms. */
  readonly ahead?: number;
  /** Which user function fails on it. */
  readonly fault?: Fault;
}

/** `timestamp`: that of eventTime; `step`: any stateless one; `key`: that of keyBy. */
export type Fault = 'timestamp' | 'step' | 'key';

/** `all`: the step is the one for whole streams, such as `windowAll`. */
export type KeyChoice = 'key' | 'remainder' | 'pair' | 'record' | 'all';

export interface MapStep {
  readonly step: 'map';
  readonly add: number;
}

export interface FilterStep {
  readonly step: 'filter';
  readonly modulus: number;
}

/** Each element as many times as its remainder says; copies are told apart by `n`. */
export interface FlatMapStep {
  readonly step: 'flatMap';
  readonly modulus: number;
}

/** Operators of RxJS: those that are not multiples of the modulus, with something added. */
export interface RxStep {
  readonly step: 'rx';
  readonly add: number;
  readonly modulus: number;
}

export type StatelessStep = MapStep | FilterStep | FlatMapStep | RxStep;

/** The stream so far and a branch of it, or and the second input where there is one, as one stream. */
export interface UnionStep {
  readonly step: 'union';
  readonly branch: readonly StatelessStep[];
}

/**
 * running     the sum so far, for each element
 * quiet       who has had no element for a while, by one timer per element
 * toggling    the same as many write it: each element deletes the timer of the one before
 * past        a timer behind each element, that is due at the next advance
 * judged      the watermark by which each element is judged
 * parting     odd elements to the side output
 * keeping     writes, reads and clears a state of some kind, also from a timer
 * waking      timers of the clock, set and deleted
 */
export type Behaviour =
  | 'running'
  | 'quiet'
  | 'toggling'
  | 'past'
  | 'judged'
  | 'parting'
  | 'keeping'
  | 'waking';

/** What `keeping` keeps, and how long. */
export interface KeepChoice {
  readonly kind: 'value' | 'list' | 'map' | 'reducing' | 'aggregating';
  readonly ttl?: {
    readonly after: number;
    readonly time: 'event' | 'processing';
    readonly update: 'onCreateAndWrite' | 'onReadAndWrite';
    /** An expired value is seen once more, which is only foreseeable where nothing cleans up. */
    readonly givesExpired: boolean;
    readonly cleanup: 'incremental' | 'none';
  };
}

export interface ProcessStep {
  readonly step: 'process';
  /** `all`: processAll. */
  readonly by: KeyChoice;
  readonly behaviour: Behaviour;
  readonly gap: number;
  /** Of `keeping`; a timer reads it too where `gap` is more than 0. */
  readonly keep?: KeepChoice;
}

/** The second side is the second input where there is one, else the odd elements of the stream so far. */
export interface ConnectStep {
  readonly step: 'connect';
  readonly by: KeyChoice;
  /**
   * tally    both sides counted by timers
   * pairs    each element with all former ones of the other side
   * ruled    the second side is a broadcast one, and timers tell what it has said up to their time
   * gated    it opens a gate, once; who has waited there is let through by a visit
   */
  readonly behaviour: 'tally' | 'pairs' | 'ruled' | 'gated';
  readonly gap: number;
}

/** The sum so far, for each element. */
export interface ReduceStep {
  readonly step: 'reduce';
  readonly by: KeyChoice;
}

export interface DedupeStep {
  readonly step: 'dedupe';
  readonly by: KeyChoice;
  readonly within: number;
  readonly keep: 'first' | 'last';
  /** Whether a map behind it leaves only what does not hang on who of one time came last. */
  readonly isPlain: boolean;
}

/** The best `k` of each moment of event time. */
export interface TopKStep {
  readonly step: 'topK';
  readonly k: number;
  /** What an entry is named by; `text` and `number` are shared by several, and the later one replaces the former. */
  readonly name: 'text' | 'number' | 'whole';
  /** Whether it stands on the window itself, with nothing in between, where the step before is a window. */
  readonly isDirect: boolean;
}

export type StatefulStep =
  | WindowStep
  | AsyncStep
  | ProcessStep
  | ConnectStep
  | ReduceStep
  | DedupeStep
  | TopKStep;
export type Step = StatelessStep | UnionStep | StatefulStep;

/**
 * bounded     behind the highest time, in steps of `every` (0: each)
 * monotone    `monotone()`: no bound, in steps of 200 ms
 * marked      a generator of the user that speaks behind some elements only
 * wavering    one that says something lower now and then
 * periodic    one that is asked by the clock alone, every `every` ms
 */
export interface TimeChoice {
  readonly generator: 'bounded' | 'monotone' | 'marked' | 'wavering' | 'periodic';
  /** How far it stays behind the highest time, ms. */
  readonly bound: number;
  /** ms; not of `marked` and `wavering`. */
  readonly every: number;
}

export interface Description {
  /** Two: the second input is what the first union or connect takes; there is always one then. */
  readonly inputs: 1 | 2;
  readonly time: TimeChoice;
  /** `maxFuture`, ms; undefined: elements have no time of appending. */
  readonly maxFuture?: number;
  /** Whether what goes to side outputs, marked, is part of the output. */
  readonly sides: boolean;
  readonly steps: readonly Step[];
}

/** The names of the inputs of every pipeline of two. */
export const inputNames = ['first', 'second'] as const;

const keyFunctions: Readonly<Record<KeyChoice, (item: Item) => Key>> = {
  key: (item) => item.key,
  remainder: (item) => item.n % 3,
  pair: (item) => [item.n % 2, 'x', typeof item.key],
  record: (item) => ({ rest: item.n % 2, kind: typeof item.key }),
  all: () => 'all',
};

/** The function of a keyBy; it gives no key for an item that is meant to fail there. */
export function keyChoice(by: KeyChoice): (item: Item) => Key {
  const keyOf = keyFunctions[by];
  if (by === 'all') return keyOf;
  return (item) => (item.fault === 'key' ? (undefined as unknown as Key) : keyOf(item));
}

export const rankNames: Readonly<Record<TopKStep['name'], (item: Item) => string | number>> = {
  text: (item) => `${typeof item.key}${Math.abs(item.n % 5)}`,
  number: (item) => (item.n % 7) - 3,
  whole: textOf,
};

export function mapped({ add }: Pick<MapStep, 'add'>, item: Item): Item {
  failIfMeant(item);
  return { ...item, n: item.n + add };
}

export function isKept({ modulus }: Pick<FilterStep, 'modulus'>, item: Item): boolean {
  failIfMeant(item);
  return item.n % modulus !== 0;
}

export function copies({ modulus }: FlatMapStep, item: Item): Item[] {
  failIfMeant(item);
  const times = Math.abs(item.n % modulus);
  return Array.from({ length: times }, (_, copy) => ({ ...item, n: item.n + copy }));
}

function failIfMeant({ fault }: Item): void {
  if (fault === 'step') throw new Error('this one fails');
}

export function isOdd(item: Item): boolean {
  return item.n % 2 !== 0;
}

/** The gap of an element in a session of dynamic gaps, ms. */
export function gapOf(gap: number, { n }: Item): number {
  return gap + 4 * Math.abs(n % 3);
}

export function summed(running: Item, item: Item): Item {
  const ids = [...running.ids, ...item.ids].slice(-3);
  return { key: item.key, n: whole(running.n + item.n), at: item.at, ids };
}

/** What is left of an item behind a dedupe whose ties must not show. */
export function plain(by: KeyChoice, item: Item): Item {
  return { key: keyFunctions[by](item), n: 0, at: item.at, ids: [] };
}

/** Keeps numbers so small that sums of sums are still exact. */
export function whole(n: number): number {
  return n % 1_000_003;
}

/** A watermark as the number of an item: a whole one, also where it is infinite. */
export function told(watermark: number): number {
  return whole(Math.min(Math.max(watermark, -1_000_000), Number.MAX_SAFE_INTEGER));
}

export function mergedIds(items: readonly Item[]): number[] {
  return items.flatMap(({ ids }) => ids).toSorted((a, b) => a - b);
}

export function uidOfStep(index: number): string {
  return `step${index}`;
}

/** What the items of a side output are marked with. */
export function sideOf(uid: string, side: 'late' | 'side'): string {
  return `${uid} ${side}`;
}

export function isStateful(step: Step): step is StatefulStep {
  return !['map', 'filter', 'flatMap', 'rx', 'union'].includes(step.step);
}

/** Whether elements meet again by key. Calls without a key are made wherever the elements are. */
export function isShuffled(step: Step): boolean {
  return isStateful(step) && !(step.step === 'asyncMap' && step.by === undefined);
}

/** Whether the step behind this window is a topK that stands on its bare results. */
export function isRanked({ steps }: Description, index: number): boolean {
  const [step, behind] = [steps[index], steps[index + 1]];
  return (
    step?.step === 'window' &&
    step.fn === undefined &&
    step.by !== 'all' &&
    behind?.step === 'topK' &&
    behind.isDirect
  );
}

/** Which step takes the second input: the first that can. */
export function joinIndex({ inputs, steps }: Description): number {
  return inputs === 1 ? -1 : steps.findIndex(({ step }) => step === 'union' || step === 'connect');
}
