/** What a window says when it fires: the plain result, or what a function of the user makes of it. */
import type { KeyedState, OperatorContext, Receiver, Slot } from '../core/operator.js';
import {
  SlotCursor,
  type Cells,
  type HandlesOf,
  type StateDeclarations,
} from '../state/handles.js';
import { TtlSweeper } from '../state/ttl-sweeper.js';
import type { TimeWindow } from '../time/windows.js';
import type { OutputTag } from './data-stream.js';
import { emittedList, type Emitted } from './user-function.js';

/** What a window function is given beside the value: window, key, time, states, side outputs. */
export interface WindowContext<
  K,
  WindowState extends StateDeclarations = Record<never, never>,
  KeyState extends StateDeclarations = Record<never, never>,
> {
  readonly key: K;
  /** Event time in epoch ms; `end` is exclusive. From -Infinity to Infinity for a global window. */
  readonly window: TimeWindow;
  /** The current input watermark, ms; -Infinity before the first. */
  readonly watermark: number;
  /** Processing time, epoch ms. */
  readonly now: number;
  /** The declared `windowState` of this key and window; it goes when the window goes. */
  readonly windowState: HandlesOf<WindowState>;
  /** The declared `keyState` of this key, shared by all its windows; it stays until it is cleared. */
  readonly keyState: HandlesOf<KeyState>;
  /** Sends to a side output that the window declares in `sides`, with the timestamp of the result. */
  side<T>(tag: OutputTag<T>, value: T): void;
}

/** Called each time a window fires; what it returns is emitted, with the last timestamp of the window. */
export type WindowFunction<
  K,
  Value,
  Out,
  WindowState extends StateDeclarations,
  KeyState extends StateDeclarations,
> = (value: Value, context: WindowContext<K, WindowState, KeyState>) => Emitted<Out>;

/** Hands on the result of a window. One call per firing. */
export interface WindowOutput {
  emit(key: unknown, window: TimeWindow, value: unknown, timestamp: number): void;
  /** Where `emit` only hands `{ key, window, value }` on: the receiver. */
  readonly plain?: Receiver;
}

/** Emits `{ key, window, value }`, or without the key for windows over the whole stream. */
export function plainOutput(output: Receiver, isKeyed: boolean): WindowOutput {
  return isKeyed
    ? {
        plain: output,
        emit: (key, window, value, timestamp) => output.element({ key, window, value }, timestamp),
      }
    : { emit: (_key, window, value, timestamp) => output.element({ window, value }, timestamp) };
}

/** Whatever holds states: the slot of a key, or one window in it. */
interface HasCells {
  readonly cells: Cells;
}

type AnyWindowFunction = (
  value: unknown,
  context: WindowContext<unknown, StateDeclarations, StateDeclarations>,
) => Emitted<unknown>;

export interface FunctionOutputOptions {
  readonly fn: AnyWindowFunction;
  /** False for windows over the whole stream, whose function is given no key. */
  readonly isKeyed: boolean;
  /** Where the states live; absent when none are declared. */
  readonly states?: {
    readonly store: KeyedState<HasCells & object>;
    readonly windowState: StateDeclarations;
    readonly keyState: StateDeclarations;
  };
}

/** Emits what a user function makes of each result. */
export class FunctionOutput
  implements WindowOutput, WindowContext<unknown, StateDeclarations, StateDeclarations>
{
  readonly #context: OperatorContext;
  readonly #function: AnyWindowFunction;
  readonly #isKeyed: boolean;
  readonly #keyCursor: SlotCursor | undefined;
  readonly #windowCursor: SlotCursor | undefined;
  readonly windowState: HandlesOf<StateDeclarations>;
  readonly keyState: HandlesOf<StateDeclarations>;
  /** Sweeps the states of keys that have a TTL. */
  readonly #sweeper: TtlSweeper | undefined;
  #timestamp = NaN;
  key: unknown;
  window: TimeWindow = { start: NaN, end: NaN };

  constructor(context: OperatorContext, { fn, isKeyed, states }: FunctionOutputOptions) {
    this.#context = context;
    this.#function = fn;
    this.#isKeyed = isKeyed;
    if (states === undefined) {
      this.windowState = {};
      this.keyState = {};
      return;
    }
    const store = storeOfCells(states.store);
    this.#keyCursor = new SlotCursor(store, context);
    this.#windowCursor = new SlotCursor(store, context);
    this.keyState = handlesOf(states.keyState, this.#keyCursor);
    this.windowState = handlesOf(states.windowState, this.#windowCursor);
    this.#sweeper = TtlSweeper.of(states.keyState, this.#keyCursor);
  }

  /**
   * Says whose states the next `emit` may use.
   *
   * @param timestamp by which what is written is stamped, ms; NaN for the watermark
   * @param firingAt how far event time has come for the timer that fires the window; NaN when an element does
   */
  point(slot: Slot<HasCells>, window: HasCells, timestamp: number, firingAt: number): void {
    for (const [cursor, holder] of [
      [this.#keyCursor, slot.live],
      [this.#windowCursor, window],
    ] as const) {
      if (cursor === undefined) continue;
      cursor.point(new CellsOf(slot, holder.cells), timestamp);
      cursor.firingAt = firingAt;
    }
  }

  /** A little of the work of forgetting what has expired; once per element. */
  sweep(): void {
    if (this.#sweeper === undefined || this.#keyCursor === undefined) return;
    this.#keyCursor.firingAt = NaN;
    this.#sweeper.turn();
  }

  emit(key: unknown, window: TimeWindow, value: unknown, timestamp: number): void {
    this.key = this.#isKeyed ? key : undefined;
    this.window = window;
    this.#timestamp = timestamp;
    let results: readonly unknown[];
    try {
      results = emittedList(this.#function(value, this), this.#context.name);
    } catch (cause) {
      this.#context.fail(cause, { key, timestamp });
    }
    const { output } = this.#context;
    for (const result of results) output.element(result, timestamp);
  }

  get watermark(): number {
    return this.#context.watermark();
  }

  get now(): number {
    return this.#context.now();
  }

  side<T>(tag: OutputTag<T>, value: T): void {
    this.#context.side(tag.id).element(value, this.#timestamp);
  }
}

/** The cells inside of a slot, as a slot of their own. */
class CellsOf implements Slot<Cells> {
  readonly key: Slot<Cells>['key'];
  readonly live: Cells;
  readonly owner: Slot<HasCells>;

  constructor(owner: Slot<HasCells>, cells: Cells) {
    this.key = owner.key;
    this.live = cells;
    this.owner = owner;
  }
}

/** A store of cells that lie inside of other slots: to change one is to change the slot around it. */
function storeOfCells(store: KeyedState<HasCells>): KeyedState<Cells> {
  const ownerOf = (slot: Slot<Cells>): Slot<HasCells> => (slot as CellsOf).owner;
  return Object.assign(Object.create(store) as KeyedState<Cells>, {
    touch: (slot: Slot<Cells>) => store.touch(ownerOf(slot)),
    preserve: (slot: Slot<Cells>) => store.preserve(ownerOf(slot)),
    release: (slot: Slot<Cells>) => store.release(ownerOf(slot)),
    holds: (slot: Slot<Cells>) => store.holds(ownerOf(slot)),
    *slots() {
      for (const slot of store.slots()) yield new CellsOf(slot, slot.live.cells);
    },
  });
}

function handlesOf(
  declarations: StateDeclarations,
  cursor: SlotCursor,
): HandlesOf<StateDeclarations> {
  return Object.fromEntries(
    Object.entries(declarations).map(([name, declaration], index) => [
      name,
      declaration.handle(cursor, index),
    ]),
  );
}
