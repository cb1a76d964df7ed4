/** The state of `window` outside of slices: one record per key and window. */
import type {
  DeclaredSchema,
  KeyedStateSpec,
  StateVersions,
  TimeDomain,
} from '../core/operator.js';
import { cellsSpec, type Cells, type StateDeclarations } from '../state/handles.js';

/** The live windows of a key, in the order in which they were made, and the states that they share. */
export interface WindowsOfKey {
  readonly cells: Cells;
  readonly windows: WindowRecord[];
}

type PackedWindow = readonly [
  start: number,
  end: number,
  hasContents: boolean,
  contents: unknown,
  state: unknown,
  eventTimers: readonly number[],
  processingTimers: readonly number[],
  cells: unknown,
  goesSilently: boolean,
];

/** One window of one key. Its timers are kept here; the timers of the key are those of all its windows. */
export class WindowRecord {
  readonly start: number;
  readonly end: number;
  /** The accumulator, or the elements where an evictor needs them; means nothing without `hasContents`. */
  contents: unknown = undefined;
  hasContents = false;
  /** What the trigger remembers. */
  state: unknown;
  eventTimers: number[] = [];
  processingTimers: number[] = [];
  /** Whether the trigger has deleted the time at which the window is thrown away: it goes then without a call. */
  goesSilently = false;
  cells: Cells;

  constructor(parts: {
    readonly start: number;
    readonly end: number;
    readonly trigger: unknown;
    /** Its states; empty. */
    readonly cells: Cells;
  }) {
    this.start = parts.start;
    this.end = parts.end;
    this.state = parts.trigger;
    this.cells = parts.cells;
  }

  put(contents: unknown): void {
    this.contents = contents;
    this.hasContents = true;
  }

  purge(): void {
    this.contents = undefined;
    this.hasContents = false;
  }

  removeTimer(domain: TimeDomain, time: number): void {
    const timers = timersOf(this, domain);
    const at = timers.indexOf(time);
    if (at >= 0) timers.splice(at, 1);
  }
}

/** The pending times of a window. */
export function timersOf(record: WindowRecord, domain: TimeDomain): number[] {
  return domain === 'event' ? record.eventTimers : record.processingTimers;
}

/** How the windows of a key are kept. */
export function windowsOfKeySpec(
  keyState: StateDeclarations,
  windowState: StateDeclarations,
): KeyedStateSpec<WindowsOfKey> {
  return specOf(cellsSpec(keyState), cellsSpec(windowState));
}

/** States of windows and of keys may have the same names. */
const OF_KEY = 'key.';
const OF_WINDOW = 'window.';

function specOf(
  ofKey: KeyedStateSpec<Cells>,
  ofWindow: KeyedStateSpec<Cells>,
): KeyedStateSpec<WindowsOfKey> {
  const pack = (record: WindowRecord): PackedWindow => {
    const { start, end, hasContents, contents, state, eventTimers, processingTimers } = record;
    const cells = ofWindow.pack(record.cells);
    const { goesSilently } = record;
    const timers = [eventTimers, processingTimers] as const;
    return [start, end, hasContents, contents, state, ...timers, cells, goesSilently];
  };
  const unpack = (packed: PackedWindow): WindowRecord => {
    const [start, end, hasContents, contents, trigger, events, ticks, cells, silently] = packed;
    const record = new WindowRecord({ start, end, trigger, cells: ofWindow.unpack(cells) });
    if (hasContents) record.put(contents);
    record.eventTimers = [...events];
    record.processingTimers = [...ticks];
    record.goesSilently = silently;
    return record;
  };
  return {
    create: () => ({ cells: ofKey.create(), windows: [] }),
    pack: ({ cells, windows }) => [ofKey.pack(cells), windows.map(pack)],
    unpack(packed) {
      const [cells, windows] = packed as [unknown, PackedWindow[]];
      return { cells: ofKey.unpack(cells), windows: windows.map(unpack) };
    },
    isEmpty: ({ cells, windows }) => windows.length === 0 && ofKey.isEmpty(cells),
    evolution: {
      schemas: new Map([...schemasOf(ofKey, OF_KEY), ...schemasOf(ofWindow, OF_WINDOW)]),
      under: (versions) =>
        specOf(versionsOf(ofKey, OF_KEY, versions), versionsOf(ofWindow, OF_WINDOW, versions)),
    },
  };
}

function schemasOf(
  { evolution }: KeyedStateSpec<Cells>,
  prefix: string,
): [string, DeclaredSchema | undefined][] {
  return [...(evolution?.schemas ?? [])].map(([name, schema]) => [prefix + name, schema]);
}

function versionsOf(
  spec: KeyedStateSpec<Cells>,
  prefix: string,
  versions: ReadonlyMap<string, StateVersions>,
): KeyedStateSpec<Cells> {
  const own = [...versions].flatMap(([name, known]) =>
    name.startsWith(prefix) ? [[name.slice(prefix.length), known] as const] : [],
  );
  return spec.evolution?.under(new Map(own)) ?? spec;
}

/** Whether two plain values are equal, as deep as they go; false for what is neither an object literal nor an array. */
export function sameState(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (!isPlain(a) || !isPlain(b)) return false;
  const [left, right] = [Object.entries(a), new Map(Object.entries(b))];
  return (
    left.length === right.size && left.every(([name, value]) => sameState(value, right.get(name)))
  );
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null;
}
