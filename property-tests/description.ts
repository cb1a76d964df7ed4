/**
 * A pipeline as plain data: small enough to shrink, rich enough to meet every operator.
 *
 *     source ─ map ─ union ─ keyBy ─ window ─ keyBy ─ topK ─▶
 *
 * `build.ts` makes a Tidemark pipeline of it, `oracle.ts` recomputes what it must give. The functions here are the
 * user's own (what to key by, what to add), so both may call them.
 */
import type { Key } from 'tidemark';
import { textOf } from './text.js';

/** What flows everywhere, before and behind every step. */
export interface Item {
  readonly key: Key;
  /** A whole number, so that sums do not depend on their order. */
  readonly n: number;
  /** Event time, ms; always the timestamp in the stream too. */
  readonly at: number;
  /** The source elements that it was made of, ascending; empty where an aggregate has forgotten them. */
  readonly ids: readonly number[];
  /** The start of the window that it came out of. */
  readonly start?: number;
  /** The ranked items, best first, of a topK. */
  readonly top?: readonly Item[];
}

export interface WindowShape {
  readonly size: number;
  readonly slide: number;
  readonly offset: number;
}

export type Aggregate = 'count' | 'sum' | 'min' | 'max' | 'gather';
export type KeyChoice = 'key' | 'remainder' | 'pair' | 'record';

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

export type StatelessStep = MapStep | FilterStep | FlatMapStep;

/** The stream so far and a branch of it, or and the second input where there is one, as one stream. */
export interface UnionStep {
  readonly step: 'union';
  readonly branch: readonly StatelessStep[];
}

export interface WindowStep {
  readonly step: 'window';
  readonly by: KeyChoice;
  readonly shape: WindowShape;
  readonly lateness: number;
  readonly aggregate: Aggregate;
}

/**
 * running     the sum so far, for each element
 * quiet       who has had no element for a while, by one timer per element
 * toggling    the same as many write it: each element deletes the timer of the one before
 * past        a timer behind each element, that is due at the next advance
 * judged      the watermark by which each element is judged
 */
export type Behaviour = 'running' | 'quiet' | 'toggling' | 'past' | 'judged';

export interface ProcessStep {
  readonly step: 'process';
  readonly by: KeyChoice;
  readonly behaviour: Behaviour;
  readonly gap: number;
}

/** The second side is the second input where there is one, else the odd elements of the stream so far. */
export interface ConnectStep {
  readonly step: 'connect';
  readonly by: KeyChoice;
  /** `tally`: both sides counted by timers. `pairs`: each element with all former ones of the other side. */
  readonly behaviour: 'tally' | 'pairs';
  readonly gap: number;
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

export type Step = StatelessStep | UnionStep | WindowStep | ProcessStep | ConnectStep | TopKStep;

export interface Description {
  /** Two: the second input is what the first union or connect takes; there is always one then. */
  readonly inputs: 1 | 2;
  readonly bound: number;
  readonly every: number;
  readonly steps: readonly Step[];
}

/** The names of the inputs of every pipeline of two. */
export const inputNames = ['first', 'second'] as const;

export const keyChoices: Readonly<Record<KeyChoice, (item: Item) => Key>> = {
  key: (item) => item.key,
  remainder: (item) => item.n % 3,
  pair: (item) => [item.n % 2, 'x', typeof item.key],
  record: (item) => ({ rest: item.n % 2, kind: typeof item.key }),
};

export const rankNames: Readonly<Record<TopKStep['name'], (item: Item) => string | number>> = {
  text: (item) => `${typeof item.key}${Math.abs(item.n % 5)}`,
  number: (item) => (item.n % 7) - 3,
  whole: textOf,
};

export function mapped({ add }: MapStep, item: Item): Item {
  return { ...item, n: item.n + add };
}

export function isKept({ modulus }: FilterStep, item: Item): boolean {
  return item.n % modulus !== 0;
}

export function copies({ modulus }: FlatMapStep, item: Item): Item[] {
  const times = Math.abs(item.n % modulus);
  return Array.from({ length: times }, (_, copy) => ({ ...item, n: item.n + copy }));
}

export function isOdd(item: Item): boolean {
  return item.n % 2 !== 0;
}

/** The number of an aggregate of at least one item. */
export function aggregated(aggregate: Aggregate, items: readonly Item[]): number {
  const numbers = items.map(({ n }) => n);
  switch (aggregate) {
    case 'count':
      return numbers.length;
    case 'sum':
    case 'gather':
      return numbers.reduce((sum, n) => sum + n, 0);
    case 'min':
      return Math.min(...numbers);
    case 'max':
      return Math.max(...numbers);
  }
}

export function mergedIds(items: readonly Item[]): number[] {
  return items.flatMap(({ ids }) => ids).toSorted((a, b) => a - b);
}

export function uidOfStep(index: number): string {
  return `step${index}`;
}

/** Whether a step forgets a key once its last timer has fired. */
export function leavesNothing(step: Step): boolean {
  if (step.step === 'connect') return step.behaviour === 'tally';
  return step.step !== 'process' || step.behaviour === 'quiet' || step.behaviour === 'toggling';
}

export function isStateful({ step }: Step): boolean {
  return step === 'window' || step === 'process' || step === 'connect' || step === 'topK';
}

/** Whether the step behind this window is a topK that stands on its bare results. */
export function isRanked({ steps }: Description, index: number): boolean {
  const [step, behind] = [steps[index], steps[index + 1]];
  return step?.step === 'window' && behind?.step === 'topK' && behind.isDirect;
}

/** Which step takes the second input: the first that can. */
export function joinIndex({ inputs, steps }: Description): number {
  return inputs === 1 ? -1 : steps.findIndex(({ step }) => step === 'union' || step === 'connect');
}
