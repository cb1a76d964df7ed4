/**
 * A watermark generator in the words of the user: asked at each element, and now and then by the clock.
 *
 * Whatever it says, the watermark of the split never goes back, and something that is no number is an error rather
 * than a watermark that compares with nothing. After Flink's `WatermarkGenerator` (`onEvent`, `onPeriodicEmit`).
 */
import { TidemarkError, show } from '../core/errors.js';
import { MIN_WATERMARK } from '../core/flow.js';
import { decodeValue, encodeValue } from '../state/value-codec.js';
import type { SplitGenerator, SplitGeneratorState } from './watermark.js';

/** How watermarks are made from elements; each split has a state of its own. */
export interface WatermarksDefinition<In, State extends object> {
  /** The state of a split at its beginning: a plain object, changed in place and kept in checkpoints. */
  create(): State;
  /**
   * Called for each element, after all that it causes; gives the new watermark, epoch ms, or nothing. One that lies
   * behind the last is dropped.
   */
  element(value: In, timestamp: number, state: State): number | undefined | void;
  /** Called every `interval` of processing time for each split that is neither idle nor at its end. */
  periodic?(state: State, now: number): number | undefined | void;
}

export class CustomGenerator<State extends object> implements SplitGenerator {
  readonly #definition: WatermarksDefinition<unknown, State>;
  #state: State;
  #highest = MIN_WATERMARK;
  #sent = MIN_WATERMARK;
  idle = false;
  ended = false;

  /** @throws TidemarkError OPTIONS_INVALID, VALUE_NOT_ENCODABLE for a state that no checkpoint could hold */
  constructor(definition: WatermarksDefinition<unknown, State>) {
    this.#definition = definition;
    this.#state = checkedState(definition.create());
  }

  /** As sent so far. */
  get watermark(): number {
    return this.#sent;
  }

  get highest(): number {
    return this.#highest;
  }

  on(timestamp: number, value: unknown): boolean {
    if (timestamp > this.#highest) this.#highest = timestamp;
    const said = this.#definition.element(value, timestamp, this.#state);
    const hasRisen = this.#take(said, 'element');
    if (!this.idle) return hasRisen;
    this.idle = false;
    return true;
  }

  periodic(now: number): boolean {
    return this.#take(this.#definition.periodic?.(this.#state, now), 'periodic');
  }

  /** Nothing is ever pending: what the functions say is sent at once. */
  flush(): boolean {
    return false;
  }

  force(time: number): boolean {
    return this.#send(time);
  }

  /** A copy, because the state is changed in place while the checkpoint is written. */
  snapshot(): SplitGeneratorState {
    return {
      highest: this.#highest,
      sent: this.#sent,
      idle: this.idle,
      ended: this.ended,
      state: copyOf(this.#state),
    };
  }

  restore({ highest, sent, idle, ended = false, state }: SplitGeneratorState): void {
    this.#highest = highest;
    this.idle = idle;
    this.ended = ended;
    if (state !== undefined) this.#state = copyOf(state) as State;
    this.#send(sent);
  }

  #take(said: unknown, method: string): boolean {
    if (said === undefined) return false;
    if (typeof said !== 'number' || Number.isNaN(said)) throw noWatermark(said, method);
    return this.#send(said);
  }

  #send(watermark: number): boolean {
    if (watermark <= this.#sent) return false;
    this.#sent = watermark;
    return true;
  }
}

/** A copy also keeps two splits apart whose states `create` has made one object. */
function checkedState<State extends object>(state: State): State {
  if (typeof state !== 'object' || state === null)
    throw new TidemarkError('OPTIONS_INVALID', {
      expected: 'a plain object that is changed in place',
      got: show(state),
      where: 'create of defineWatermarks()',
      hint: 'Give an object such as { highest: -Infinity }, also for a single number.',
    });
  return copyOf(state);
}

function copyOf<T>(value: T): T {
  return decodeValue(encodeValue(value)) as T;
}

function noWatermark(said: unknown, method: string): TidemarkError {
  return new TidemarkError('WATERMARK_INVALID', {
    expected: 'a number of epoch milliseconds, or nothing',
    got: show(said),
    where: `${method} of defineWatermarks()`,
    hint: 'Return milliseconds as a number; NaN mostly comes from a field that is missing.',
  });
}
