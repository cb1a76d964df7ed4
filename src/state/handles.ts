/**
 * What all state handles stand on. A handle belongs to the operator, not to a key: before each call of user code the
 * operator points its cursor at the slot of the key in hand, and all handles read and write through the cursor.
 *
 *     slot of "a"   live ─▶ [ 7 │ Map │ undefined ]      one cell per declared state, undefined while it is empty
 *                             ▲
 *     cursor ─────────────────┘     handle 0, handle 1, handle 2
 */
import { TidemarkError, show } from '../core/errors.js';
import type {
  DeclaredSchema,
  KeyedState,
  KeyedStateSpec,
  Slot,
  StateVersions,
} from '../core/operator.js';
import { freezeDeep } from './guard.js';
import { ofPackedKey, packedKey, upgraded, type PackedKey } from './packed-states.js';
import { heapBytesOf } from './heap-size.js';
import { LiveSlot } from './slots.js';
import type { StateTime, SweepTurn, Ttl } from './ttl.js';

/**
 * The live object of a key: one cell per declared state, `undefined` while it is empty. The first cells are fields and
 * not elements of an array, because with many keys an element waits for memory, and an array lies in two places of it.
 */
export interface Cells {
  c0: unknown;
  c1?: unknown;
  c2?: unknown;
  c3?: unknown;
  /** Cells from the fifth on. */
  more?: unknown[];
}

/** What a cursor asks of the operator that it belongs to; an `OperatorContext` will do. */
export interface CursorOptions {
  /** Whether values are frozen as they are given out. */
  readonly isGuarded: boolean;
  /** The input watermark, ms. */
  watermark(): number;
  /** Processing time, epoch ms. */
  now(): number;
}

/** Points handles at the slot in hand, and stamps it before the first change. */
export class SlotCursor implements StateTime {
  readonly store: KeyedState<Cells>;
  readonly #options: CursorOptions;
  slot!: Slot<Cells>;
  cells: Cells = { c0: undefined };
  timestamp = NaN;
  /** While event-time timers fire: how far event time has come for them. Else NaN. */
  firingAt = NaN;

  constructor(store: KeyedState<Cells>, options: CursorOptions) {
    this.store = store;
    this.#options = options;
  }

  /** @param timestamp of the element or timer in hand, ms; NaN for none */
  point(slot: Slot<Cells>, timestamp: number): void {
    this.slot = slot;
    this.cells = slot.live;
    this.timestamp = timestamp;
  }

  read(index: number): unknown {
    return cellAt(this.cells, index);
  }

  /** Puts something else into a cell; `undefined` empties it. */
  write(index: number, value: unknown): void {
    this.store.touch(this.slot);
    putCell(this.cells, index, value);
  }

  /** To be called before what a cell holds is changed in place. */
  touch(): void {
    this.store.touch(this.slot);
  }

  /** What user code gets of a value: an object may be changed and then set, so a frozen epoch is saved before. */
  give<T>(value: T): T {
    if (typeof value !== 'object' || value === null) return value;
    this.store.preserve(this.slot);
    return this.#options.isGuarded ? freezeDeep(value) : value;
  }

  eventTime(): number {
    const { firingAt } = this;
    return firingAt === firingAt ? firingAt : this.#options.watermark();
  }

  processingTime(): number {
    return this.#options.now();
  }
}

/** What a state keeps, and how: made by `valueState`, `listState`, `mapState`, `reducingState`, `aggregatingState`. */
export interface StateDeclaration<Handle> {
  readonly kind: 'value' | 'list' | 'map' | 'reducing' | 'aggregating';
  readonly ttl: Ttl | undefined;
  /** Of the values: of a list each element, of a map each value. */
  readonly schema?: DeclaredSchema | undefined;
  handle(cursor: SlotCursor, index: number): Handle;
  /** A cell that holds something, as plain data; with a TTL the pair of [stamps, what is packed without]. */
  pack(cell: unknown): unknown;
  /**
   * The cell for what `pack` gave in some earlier run.
   *
   * @param stamps as packed, where the state had a TTL then; undefined where it had none
   * @throws TidemarkError STATE_INCOMPATIBLE when it is of another kind
   */
  unpack(packed: unknown, stamps: unknown): unknown;
  /** Drops from a cell what has expired. Returns whether all of it has been looked at. */
  sweep?(turn: SweepTurn, index: number): boolean;
}

export type StateDeclarations = Readonly<Record<string, StateDeclaration<unknown>>>;

/** The handles for a record of declarations. */
export type HandlesOf<Declarations extends StateDeclarations> = {
  readonly [Name in keyof Declarations]: Declarations[Name] extends StateDeclaration<infer Handle>
    ? Handle
    : never;
};

/**
 * How the states of one `process` are kept: cells by index in the heap, by name in a snapshot. Order may change, and
 * states may come and go. A TTL may come and go too: with one, a state stands in the snapshot under `[name]` instead of
 * `name`, as the pair of its stamps and what would stand there without. A value that has no stamp yet counts from when
 * the sweeper first meets it.
 */
export function cellsSpec(
  declarations: StateDeclarations,
  versions: ReadonlyMap<string, StateVersions> = new Map(),
): KeyedStateSpec<Cells> {
  const names = Object.keys(declarations);
  const declared = Object.values(declarations);
  const indexOf = new Map(names.map((name, index) => [name, index]));
  const keys = names.map((name, index) =>
    packedKey(name, declared[index]?.ttl !== undefined, versions.get(name)?.current ?? 0),
  );
  const create = emptyCells(names.length);
  return {
    create,
    pack(cells) {
      const packed = new Map<PackedKey, unknown>();
      // Called for each changed key of each epoch.
      for (let index = 0; index < declared.length; index += 1) {
        const cell = cellAt(cells, index);
        if (cell === undefined) continue;
        packed.set(keys[index] as PackedKey, declared[index]?.pack(cell));
      }
      return packed;
    },
    unpack(packed) {
      const cells = create();
      for (const [key, stored] of packed as Map<PackedKey, unknown>) {
        const { name, isStamped, version } = ofPackedKey(key);
        const [stamps, found] = isStamped ? (stored as [unknown, unknown]) : [undefined, stored];
        const index = indexOf.get(name);
        if (index === undefined || found === undefined) continue;
        const upgrade = versions.get(name)?.upgrades.get(version);
        const state = declared[index] as StateDeclaration<unknown>;
        const value = upgrade === undefined ? found : upgraded(state.kind, found, upgrade);
        putCell(cells, index, state.unpack(value, stamps));
      }
      return cells;
    },
    isEmpty: areEmpty,
    evolution: {
      schemas: new Map(names.map((name, index) => [name, declared[index]?.schema])),
      under: (known) => cellsSpec(declarations, known),
    },
    evictable: true,
    weigh(cells) {
      let bytes = 0;
      for (const [index, state] of declared.entries()) {
        const cell = cellAt(cells, index);
        if (cell !== undefined) bytes += heapBytesOf(state.pack(cell));
      }
      return bytes;
    },
  };
}

/** Whether a key holds nothing. Handles see to it that a cell that holds nothing is `undefined`. */
export function areEmpty({ c0, c1, c2, c3, more }: Cells): boolean {
  return (
    c0 === undefined &&
    c1 === undefined &&
    c2 === undefined &&
    c3 === undefined &&
    (more === undefined || more.every((cell) => cell === undefined))
  );
}

export function cellAt(cells: Cells, index: number): unknown {
  switch (index) {
    case 0:
      return cells.c0;
    case 1:
      return cells.c1;
    case 2:
      return cells.c2;
    case 3:
      return cells.c3;
    default:
      return cells.more?.[index - FIELDS];
  }
}

export function putCell(cells: Cells, index: number, value: unknown): void {
  switch (index) {
    case 0:
      cells.c0 = value;
      return;
    case 1:
      cells.c1 = value;
      return;
    case 2:
      cells.c2 = value;
      return;
    case 3:
      cells.c3 = value;
      return;
    default:
      (cells.more ??= [])[index - FIELDS] = value;
  }
}

/** Whether a state expires by event time, so that an eventTime must stand before its step. */
export function expiresByEventTime(declarations: StateDeclarations): boolean {
  return Object.values(declarations).some(({ ttl }) => ttl?.isEvent === true);
}

/** What is found under the name of a state was of another kind. */
export function refuseKind(expected: string, packed: unknown): never {
  throw new TidemarkError('STATE_INCOMPATIBLE', {
    expected,
    got: show(packed),
    where: 'a state that keeps its name and changes its kind',
    hint: 'Give the state of the new kind a name of its own.',
  });
}

/** The stamp for a value that was stored without one: not known, or the only one that there is. */
export function stampOf(stamps: unknown): number {
  return typeof stamps === 'number' ? stamps : NaN;
}

/** How many cells are fields. */
const FIELDS = 4;

/** Makes the cells of a new key. There are few shapes, so that one code for all operators stays fast. */
function emptyCells(count: number): () => Cells {
  if (count <= 1) return () => new OneCell();
  if (count === 2) return () => new TwoCells();
  if (count <= FIELDS) return () => new FourCells();
  return () => new ManyCells(count - FIELDS);
}

class OneCell extends LiveSlot implements Cells {
  c0: unknown = undefined;
}

class TwoCells extends LiveSlot implements Cells {
  c0: unknown = undefined;
  c1: unknown = undefined;
}

class FourCells extends LiveSlot implements Cells {
  c0: unknown = undefined;
  c1: unknown = undefined;
  c2: unknown = undefined;
  c3: unknown = undefined;
}

class ManyCells extends FourCells {
  more: unknown[];

  constructor(rest: number) {
    super();
    this.more = new Array<unknown>(rest).fill(undefined);
  }
}
