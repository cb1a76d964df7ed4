/** How far an iterable has been read: the cursor, what it says, and what is wrong when it does not fit. */
import { z } from 'zod';
import type { Cursor } from '../core/connector.js';
import { TidemarkError, show } from '../core/errors.js';
import type { Origin } from '../core/flow.js';

/** Where to go on: behind so many elements, the last of which had this cursor of the user. */
export interface Consumed {
  readonly count: number;
  readonly after: Cursor | undefined;
}

export interface IterableReaderOptions {
  readonly origin: Origin;
  readonly chunk: number;
  readonly cursorOf?: ((value: unknown) => Cursor) | undefined;
  /** How many elements have been consumed by earlier readers. */
  readonly consumed: number;
  /** How many of the elements to come are among them. */
  readonly skip: number;
}

/** The cursor behind the last of some elements. @throws TidemarkError SOURCE_FAILED */
export function cursorBehind(
  values: readonly unknown[],
  count: number,
  { cursorOf, origin }: IterableReaderOptions,
): Cursor {
  if (cursorOf === undefined) return count;
  try {
    return { count, after: cursorOf(values.at(-1)) };
  } catch (cause) {
    throw iterableFailed(`the cursor of element ${count}`, cause, origin.name);
  }
}

export function iterableFailed(expected: string, cause: unknown, name: string): TidemarkError {
  return new TidemarkError('SOURCE_FAILED', {
    expected,
    got: show(cause),
    where: name,
    hint: 'The iterable given by the user threw; see the cause.',
    cause,
  });
}

export function tooFew(consumed: number, got: number, name: string): TidemarkError {
  return new TidemarkError('SOURCE_CHANGED', {
    expected: `at least ${consumed} elements, which the last commit has consumed`,
    got: `${got} elements`,
    where: name,
    hint: 'Give the same elements as before, or remove the state to begin again.',
  });
}

const countSchema = z.number().int().min(0);
const consumedSchema = z.object({ count: countSchema, after: z.unknown() });

export function consumedOf(cursor: Cursor, name: string, hasCursors: boolean): Consumed {
  if (cursor === undefined) return { count: 0, after: undefined };
  const found = hasCursors
    ? consumedSchema.safeParse(cursor).data
    : { count: countSchema.safeParse(cursor).data, after: undefined };
  if (found?.count !== undefined) return { count: found.count, after: found.after };
  throw new TidemarkError('SOURCE_CHANGED', {
    expected: hasCursors
      ? 'a cursor that the option cursor has made'
      : 'a cursor that counts elements',
    got: show(cursor),
    where: name,
    hint: 'Another kind of source was read here before; keep it, or remove the state to begin again.',
  });
}
