/** `reducingState` and `aggregatingState`: what is added is folded into one value at once, so nothing else is kept. */
import { TidemarkError, show } from '../core/errors.js';
import type { SlotCursor, StateDeclaration } from './handles.js';
import { schemaOf } from './declared-schema.js';
import { ttlOf, type StateOptions } from './ttl.js';
import {
  clearCell,
  readStamped,
  stampedCells,
  valueToAddTo,
  writeStamped,
  type TtlPlace,
} from './ttl-value.js';

/** One value per key, made of all that has been added. */
export interface ReducingState<T> {
  /** Folds a value in; the first one is taken as it is. */
  add(value: T): void;
  /** All that was added, folded; undefined while nothing was. */
  get(): T | undefined;
  clear(): void;
}

/** One accumulator per key. */
export interface AggregatingState<In, Out> {
  add(value: In): void;
  /** The result of all that was added; undefined while nothing was. */
  get(): Out | undefined;
  clear(): void;
}

/** What `aggregatingState` needs of an aggregator; every `Aggregator` will do. */
export interface StateAggregator<in In, Accumulator, out Out> {
  /** An accumulator of nothing. */
  create(): Accumulator;
  /** Takes a value in; may change the accumulator and give it back, or give a new one. */
  add(accumulator: Accumulator, value: In): Accumulator;
  /** Must neither change the accumulator nor give it out itself. */
  result(accumulator: Accumulator): Out;
}

/**
 * Declares one value per key that is folded from all that is added, after Flink's `ReducingState`.
 *
 * @param reduce must be synchronous, change neither of its arguments, and not give `undefined`
 * @param options a TTL for the folded value; each `add` stamps it
 *
 * @example
 * import { keyBy, process, reducingState } from 'tidemark';
 * import { of } from 'rxjs';
 * of({ user: 'ann', ms: 3 }, { user: 'ann', ms: 5 })
 *   .pipe(
 *     keyBy((play) => play.user),
 *     process({
 *       uid: 'longest',
 *       state: { longest: reducingState<number>(Math.max) },
 *       element(play, { state: { longest } }) {
 *         longest.add(play.ms);
 *         return [longest.get()];
 *       },
 *     }),
 *   )
 *   .subscribe((ms) => console.log(ms));
 * // => 3
 * // => 5
 *
 * @throws TidemarkError OPTIONS_INVALID, DURATION_INVALID, USER_FUNCTION_ASYNC; from `add` USER_FUNCTION_FAILED for an
 *   `undefined`
 */
export function reducingState<T>(
  reduce: (a: T, b: T) => T,
  options?: StateOptions<T>,
): StateDeclaration<ReducingState<T>> {
  refuseNoFunction(reduce, 'reducingState');
  const ttl = ttlOf(options, 'reducingState');
  const schema = schemaOf(options, 'reducingState');
  if (ttl !== undefined)
    return {
      kind: 'reducing',
      schema,
      ...stampedCells(ttl),
      handle: (cursor, index) => new TtlReducing<T>({ cursor, index, ttl }, reduce),
    };
  return {
    schema,
    ...plainCells('reducing'),
    handle: (cursor, index) => new Reducing<T>(cursor, index, reduce),
  };
}

/**
 * Declares one accumulator per key, after Flink's `AggregatingState`.
 *
 * @param aggregator such as `sum((play) => play.ms)`, or your own `create`, `add` and `result`
 * @param options a TTL for the accumulator; each `add` stamps it
 *
 * @example
 * import { aggregatingState, keyBy, process, sum } from 'tidemark';
 * import { of } from 'rxjs';
 * of({ user: 'ann', ms: 3 }, { user: 'ann', ms: 5 })
 *   .pipe(
 *     keyBy((play) => play.user),
 *     process({
 *       uid: 'heard',
 *       state: { heard: aggregatingState(sum((play: { ms: number }) => play.ms)) },
 *       element(play, { state: { heard } }) {
 *         heard.add(play);
 *         return [heard.get()];
 *       },
 *     }),
 *   )
 *   .subscribe((ms) => console.log(ms));
 * // => 3
 * // => 8
 *
 * @throws TidemarkError OPTIONS_INVALID, DURATION_INVALID, USER_FUNCTION_ASYNC; from `add` USER_FUNCTION_FAILED for an
 *   accumulator that is `undefined`
 */
export function aggregatingState<In, Accumulator, Out>(
  aggregator: StateAggregator<In, Accumulator, Out>,
  options?: StateOptions<Accumulator>,
): StateDeclaration<AggregatingState<In, Out>> {
  for (const part of ['create', 'add', 'result'] as const)
    refuseNoFunction(aggregator?.[part], `${part} of aggregatingState`);
  const ttl = ttlOf(options, 'aggregatingState');
  const schema = schemaOf(options, 'aggregatingState');
  if (ttl !== undefined)
    return {
      kind: 'aggregating',
      schema,
      ...stampedCells(ttl),
      handle: (cursor, index) =>
        new TtlAggregating<In, Accumulator, Out>({ cursor, index, ttl }, aggregator),
    };
  return {
    schema,
    ...plainCells('aggregating'),
    handle: (cursor, index) => new Aggregating<In, Accumulator, Out>(cursor, index, aggregator),
  };
}

class Reducing<T> implements ReducingState<T> {
  readonly #cursor: SlotCursor;
  readonly #index: number;
  readonly #reduce: (a: T, b: T) => T;

  constructor(cursor: SlotCursor, index: number, reduce: (a: T, b: T) => T) {
    this.#cursor = cursor;
    this.#index = index;
    this.#reduce = reduce;
  }

  add(value: T): void {
    const cell = this.#cursor.read(this.#index) as T | undefined;
    const next = cell === undefined ? value : this.#reduce(this.#cursor.give(cell), value);
    this.#cursor.write(this.#index, next === undefined ? refuseUndefined('reducingState') : next);
  }

  get(): T | undefined {
    return this.#cursor.give(this.#cursor.read(this.#index) as T | undefined);
  }

  clear(): void {
    clearCell(this.#cursor, this.#index);
  }
}

class TtlReducing<T> implements ReducingState<T> {
  readonly #place: TtlPlace;
  readonly #reduce: (a: T, b: T) => T;

  constructor(place: TtlPlace, reduce: (a: T, b: T) => T) {
    this.#place = place;
    this.#reduce = reduce;
  }

  add(value: T): void {
    const { cursor } = this.#place;
    const former = valueToAddTo<T>(this.#place);
    const next = former === undefined ? value : this.#reduce(cursor.give(former), value);
    writeStamped(this.#place, next === undefined ? refuseUndefined('reducingState') : next);
  }

  get(): T | undefined {
    return this.#place.cursor.give(readStamped<T>(this.#place)?.value);
  }

  clear(): void {
    clearCell(this.#place.cursor, this.#place.index);
  }
}

class Aggregating<In, Accumulator, Out> implements AggregatingState<In, Out> {
  readonly #cursor: SlotCursor;
  readonly #index: number;
  readonly #aggregator: StateAggregator<In, Accumulator, Out>;

  constructor(
    cursor: SlotCursor,
    index: number,
    aggregator: StateAggregator<In, Accumulator, Out>,
  ) {
    this.#cursor = cursor;
    this.#index = index;
    this.#aggregator = aggregator;
  }

  add(value: In): void {
    // Before `add` is called, because it may change the accumulator in place.
    this.#cursor.touch();
    const cell = this.#cursor.read(this.#index) as Accumulator | undefined;
    const former = cell === undefined ? this.#aggregator.create() : cell;
    const next = this.#aggregator.add(former, value);
    this.#cursor.write(
      this.#index,
      next === undefined ? refuseUndefined('aggregatingState') : next,
    );
  }

  get(): Out | undefined {
    const cell = this.#cursor.read(this.#index) as Accumulator | undefined;
    return cell === undefined ? undefined : this.#cursor.give(this.#aggregator.result(cell));
  }

  clear(): void {
    clearCell(this.#cursor, this.#index);
  }
}

class TtlAggregating<In, Accumulator, Out> implements AggregatingState<In, Out> {
  readonly #place: TtlPlace;
  readonly #aggregator: StateAggregator<In, Accumulator, Out>;

  constructor(place: TtlPlace, aggregator: StateAggregator<In, Accumulator, Out>) {
    this.#place = place;
    this.#aggregator = aggregator;
  }

  add(value: In): void {
    this.#place.cursor.touch();
    const cell = valueToAddTo<Accumulator>(this.#place);
    const former = cell === undefined ? this.#aggregator.create() : cell;
    const next = this.#aggregator.add(former, value);
    writeStamped(this.#place, next === undefined ? refuseUndefined('aggregatingState') : next);
  }

  get(): Out | undefined {
    const cell = readStamped<Accumulator>(this.#place);
    if (cell === undefined) return undefined;
    return this.#place.cursor.give(this.#aggregator.result(cell.value));
  }

  clear(): void {
    clearCell(this.#place.cursor, this.#place.index);
  }
}

function plainCells(
  kind: 'reducing' | 'aggregating',
): Pick<StateDeclaration<unknown>, 'kind' | 'ttl' | 'pack' | 'unpack'> {
  return { kind, ttl: undefined, pack: (cell) => cell, unpack: (packed) => packed };
}

/** An empty cell is `undefined`, so a value that is would vanish in silence. */
function refuseUndefined(where: string): never {
  throw new TidemarkError('USER_FUNCTION_FAILED', {
    expected: 'a value to keep',
    got: 'undefined',
    where,
    hint: 'Return null where there is no value, or clear the state.',
  });
}

function refuseNoFunction(fn: unknown, where: string): void {
  if (typeof fn !== 'function')
    throw new TidemarkError('OPTIONS_INVALID', {
      expected: 'a function',
      got: show(fn),
      where,
      hint: 'Pass the function itself.',
    });
  if (Object.prototype.toString.call(fn) === '[object AsyncFunction]')
    throw new TidemarkError('USER_FUNCTION_ASYNC', {
      expected: 'a plain value',
      got: 'a promise',
      where,
      hint: 'State is folded synchronously; fetch data in an asyncMap before this step.',
    });
}
