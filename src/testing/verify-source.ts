/**
 * `verifySource`: reads a source from its beginning and again from every cursor it has given, as a job does after a crash
 * at any commit, and compares what comes.
 *
 *     beginning ──▶ chunk ─ cursor 1 ─ chunk ─ cursor 2 ─ … ─ end
 *                             └──────▶ the same rest      └▶ the same rest
 *
 * A cursor goes through the codec of the state on the way, so one that would not survive a commit is found out.
 */
import { isDeepStrictEqual } from 'node:util';
import { nodeRuntime } from '../connectors/node-runtime.js';
import type { Cursor, Source, SourceChunk, SplitReader } from '../core/connector.js';
import { TidemarkError, show } from '../core/errors.js';
import { CHUNK_ELEMENTS_MAX, type Chunk } from '../core/flow.js';
import type { Runtime } from '../core/runtime.js';
import { decodeValue, encodeValue } from '../state/value-codec.js';

export interface VerifySourceOptions<T> {
  /** Where the source is read. Default `nodeRuntime()`. */
  readonly runtime?: Runtime;
  /** The values of each split that must come; left out, reading must only be the same each time. */
  readonly expect?: Readonly<Record<string, readonly T[]>>;
  /** For a source that does not end: stop each split after so many elements. */
  readonly take?: number;
  /** How many cursors of a split are tried at most, evenly spread. Default 100. */
  readonly cursorsMax?: number;
  /** Makes more come while a read waits, as by turning a virtual clock. Called once per turn of the event loop. */
  readonly provoke?: () => void | Promise<void>;
}

/** What was read, for a look at whether the case was worth it. */
export interface VerifiedSource {
  readonly splits: number;
  readonly elements: number;
  readonly cursors: number;
}

/** One element, or one record that could not be read, in the order of the source. */
interface Item {
  readonly position: number;
  readonly value?: unknown;
  readonly timestamp?: number;
  readonly unreadable?: string;
}

interface Reading {
  readonly items: Item[];
  /** Each with the number of items before it. */
  readonly cursors: { readonly cursor: Cursor; readonly at: number }[];
}

/**
 * Verifies the contract of a source.
 *
 * - Ids of splits are different, and the same when asked again.
 * - Chunks are not empty, not too long, and their columns are of equal length; positions ascend.
 * - The bytes read never go back.
 * - Read again from the beginning, and from each cursor, the same elements come at the same positions.
 * - A reader can be closed in the middle; a read that waits settles when it is interrupted.
 *
 * @example
 * import { iterable } from 'tidemark';
 * import { verifySource } from 'tidemark/testing';
 * const source = iterable(['a', 'b', 'c'], { chunk: 1 });
 * console.log(await verifySource(source, { expect: { '0': ['a', 'b', 'c'] } }));
 * // => { splits: 1, elements: 3, cursors: 3 }
 *
 * @throws TidemarkError CASE_FAILED naming the split, the cursor and the first difference; what the source itself reports
 */
export async function verifySource<T>(
  source: Source<T>,
  options: VerifySourceOptions<T> = {},
): Promise<VerifiedSource> {
  const runtime = options.runtime ?? nodeRuntime();
  const splits = await source.splits(runtime);
  const isSame = isDeepStrictEqual(splits, await source.splits(runtime));
  if (!isSame || new Set(splits).size !== splits.length || splits.includes(''))
    throw failed(source.name, 'the same different ids, none of them empty', show(splits));
  const wanted = Object.keys(options.expect ?? {}).find((split) => !splits.includes(split));
  if (wanted !== undefined) throw failed(source.name, `a split ${show(wanted)}`, show(splits));
  let elements = 0;
  let cursors = 0;
  for (const split of splits) {
    const where = `${source.name}, split ${show(split)}`;
    const read = (
      cursor: Cursor | undefined,
      place: string,
      take = options.take,
    ): Promise<Reading> =>
      readAll(source, { split, cursor, place, runtime, take, provoke: options.provoke });
    const whole = await read(undefined, where);
    const expected = options.expect?.[split];
    if (expected !== undefined)
      compare(
        `${where}, values`,
        expected,
        whole.items.flatMap((item) => ('value' in item ? [item.value] : [])),
      );
    elements += whole.items.length;
    if (!source.replayable) continue;
    compare(`${where}, read again`, whole.items, (await read(undefined, where)).items);
    for (const { cursor, at } of spread(whole.cursors, options.cursorsMax ?? 100)) {
      cursors += 1;
      const place = `${where}, from the cursor behind ${at} elements, ${show(cursor)}`;
      const rest = whole.items.slice(at);
      // An endless source that is asked for nothing would be waited for.
      if (options.take !== undefined && rest.length === 0) continue;
      const { items } = await read(
        stored(cursor, place),
        place,
        options.take === undefined ? undefined : rest.length,
      );
      compare(place, rest, items);
    }
  }
  return { splits: splits.length, elements, cursors };
}

interface ReadOptions {
  readonly split: string;
  readonly cursor: Cursor | undefined;
  readonly place: string;
  readonly runtime: Runtime;
  readonly take: number | undefined;
  readonly provoke: VerifySourceOptions<unknown>['provoke'];
}

async function readAll(source: Source<unknown>, options: ReadOptions): Promise<Reading> {
  const { split, cursor, place, runtime, take = Infinity, provoke } = options;
  const reader = await source.open(split, cursor, runtime);
  const reading: Reading = { items: [], cursors: [] };
  let bytes = 0;
  try {
    while (reading.items.length < take) {
      const next = await settled(reader.read(), provoke);
      if (next === undefined) return reading;
      checkChunk(next, place);
      const { bytesRead = bytes } = next;
      if (bytesRead < bytes) throw failed(place, `at least ${bytes} bytes read`, `${bytesRead}`);
      bytes = bytesRead;
      append(reading, next, place, take);
    }
    await checkInterrupt(reader, place);
    return reading;
  } finally {
    await reader.close();
  }
}

/** Waits for a read; what makes more come is called meanwhile. */
async function settled<Result>(
  read: Promise<Result>,
  provoke: ReadOptions['provoke'],
): Promise<Result> {
  if (provoke === undefined) return read;
  const watched = watch(read);
  while (!watched.isSettled) {
    await turn();
    if (!watched.isSettled) await provoke();
  }
  return read;
}

/** How many turns of the event loop an interrupted read may take. */
const INTERRUPT_TURNS_MAX = 1000;

/** A source without an end: its next read may wait, and must settle when it is told to. */
async function checkInterrupt(reader: SplitReader, place: string): Promise<void> {
  const read = watch(reader.read());
  await turn();
  if (read.isSettled) return;
  reader.interrupt?.();
  for (let turns = 0; !read.isSettled && turns < INTERRUPT_TURNS_MAX; turns += 1) await turn();
  if (!read.isSettled)
    throw failed(place, 'a read that settles when it is interrupted', 'one that waits on');
}

function watch(promise: Promise<unknown>): { readonly isSettled: boolean } {
  const watched = { isSettled: false };
  const note = (): void => void (watched.isSettled = true);
  promise.then(note, note);
  return watched;
}

function turn(): Promise<void> {
  return nodeRuntime().clock.turn();
}

function checkChunk({ chunk, cursor }: SourceChunk, place: string): void {
  const { values, timestamps, unreadable = [] } = chunk;
  const lengths = [values.length, timestamps.length, positionsOf(chunk).length];
  if (new Set(lengths).size > 1)
    throw failed(
      place,
      'columns of equal length',
      `values, timestamps and positions of ${lengths.join(', ')}`,
    );
  const count = values.length + unreadable.length;
  if (count === 0 || values.length > CHUNK_ELEMENTS_MAX)
    throw failed(place, `1 to ${CHUNK_ELEMENTS_MAX} elements in a chunk`, String(count));
  if (cursor === undefined) throw failed(place, 'a cursor behind each chunk', 'none');
}

function append(
  reading: Reading,
  { chunk, cursor }: SourceChunk,
  place: string,
  take: number,
): void {
  const { values, timestamps, unreadable = [] } = chunk;
  const positions = positionsOf(chunk);
  const items: Item[] = [];
  for (let index = 0; index <= values.length; index += 1) {
    for (const { before, position, reason } of unreadable)
      if (before === index) items.push({ position, unreadable: reason });
    const [position, timestamp] = [positions[index], timestamps[index]];
    if (position === undefined || timestamp === undefined) continue;
    items.push({ position, value: values[index], timestamp });
  }
  let before = reading.items.at(-1)?.position ?? -Infinity;
  for (const { position } of items) {
    if (position <= before) throw failed(place, `a position behind ${before}`, `${position}`);
    before = position;
  }
  const left = take - reading.items.length;
  reading.items.push(...items.slice(0, left));
  // Behind the last one that is wanted a cursor says nothing about what was read.
  if (items.length <= left) reading.cursors.push({ cursor, at: reading.items.length });
}

/** A chunk may say the position of its first element only, from which the others count on. */
function positionsOf({ values, positions, firstPosition }: Chunk): readonly number[] {
  return firstPosition === undefined ? positions : values.map((_, index) => firstPosition + index);
}

/** What the commit gives back of a cursor. */
function stored(cursor: Cursor, place: string): Cursor {
  try {
    return decodeValue(encodeValue(cursor));
  } catch (cause) {
    throw failed(place, 'a cursor that a commit can hold', show(cause));
  }
}

function spread<Item>(list: readonly Item[], max: number): Item[] {
  if (list.length <= max) return [...list];
  return Array.from(
    { length: max },
    (_, index) => list[Math.floor((index * list.length) / max)] as Item,
  );
}

function compare(where: string, expected: readonly unknown[], got: readonly unknown[]): void {
  const length = Math.max(expected.length, got.length);
  for (let index = 0; index < length; index += 1) {
    if (
      index < expected.length &&
      index < got.length &&
      isDeepStrictEqual(expected[index], got[index])
    )
      continue;
    const said = (list: readonly unknown[]): string =>
      index < list.length ? show(list[index]) : 'the end';
    throw failed(where, `element ${index} to be ${said(expected)}`, said(got));
  }
}

function failed(where: string, expected: string, got: string): TidemarkError {
  return new TidemarkError('CASE_FAILED', {
    expected,
    got,
    where: `verifySource, ${where}`,
    hint: 'Mend the source, or the case: a cursor must lead to exactly what comes behind its chunk.',
  });
}
