/**
 * The idempotency key of a call: made of where its element comes from, never of when or how often it is called.
 *
 *     origin, position          the source record, or the window or timer that the element was derived from
 *     key                       one record may become elements of several keys, in several shards
 *     index                     …and several elements of one key
 *
 * It is part of what outside systems remember of a job, so it is frozen by golden values, like a stored format.
 */
import { murmur3 } from '../core/murmur3.js';
import type { InHand } from '../core/in-hand.js';
import type { Key } from '../core/key.js';
import { compositeKeyText, isScalarKey } from '../state/key-codec.js';
import { encodeValue } from '../state/value-codec.js';
import { hashValue } from './sketch-hash.js';

/** What the idempotency key of an element is made of, beside the element in hand. */
export interface Identity {
  /** Which of the elements that one record has become under one key, from 0. */
  readonly index: number;
  /** A digest of the value, where several keyBys meet and the key of the element is not known; else undefined. */
  readonly digest: string | undefined;
}

/** The elements of one origin that stand next to each other in one input of the task. */
interface Row {
  readonly element: InHand;
  readonly counts: Map<string, number>;
}

/** Counts the elements that one record has become: they stand next to each other in each input of a task. */
export class Identities {
  readonly #rows = new Map<number, Row>();

  /** @param input number of the task input that the element in hand came from */
  next(element: InHand, input: number, value: unknown): Identity {
    let row = this.#rows.get(input);
    if (row === undefined || !isSame(row.element, element)) {
      row = { element, counts: new Map() };
      this.#rows.set(input, row);
    }
    const digest = element.hasSeveralKeys ? digestOf(value) : undefined;
    const name = digest ?? textOf(element.key);
    const index = row.counts.get(name) ?? 0;
    row.counts.set(name, index + 1);
    return { index, digest };
  }
}

/**
 * The key as text: the uid, the position and the index as they are, and 128 bits over all of it. At most 64 characters
 * longer than the uid, all of them allowed in a header of HTTP.
 */
export function idempotencyKey(uid: string, element: InHand, { index, digest }: Identity): string {
  const { origin, position, derivedKey, key } = element;
  const named = [uid, origin.unit, origin.name, String(position), String(index)];
  const text = JSON.stringify([...named, textOf(derivedKey), digest ?? textOf(key)]);
  return `${uid.replaceAll('/', '.')}-${position}-${index}-${hash(text)}`;
}

function isSame(a: InHand, b: InHand): boolean {
  return (
    a.position === b.position &&
    a.origin.name === b.origin.name &&
    a.origin.unit === b.origin.unit &&
    a.derivedKey === b.derivedKey
  );
}

/** A key as text, different for different keys; of what is no key as much as there is. */
function textOf(key: unknown): string {
  if (key === undefined) return '';
  const own = key as Key;
  if (!isScalarKey(own)) return `composite ${compositeKeyText(own)}`;
  return `${typeof own} ${own === 0 ? 0 : own}`;
}

/** What cannot be encoded cannot be replayed either: in memory the index alone tells the elements apart. */
function digestOf(value: unknown): string {
  try {
    const bytes = encodeValue(value);
    return [1, 2].map((seed) => murmur3(bytes, seed).toString(16)).join(' ');
  } catch {
    return '';
  }
}

function hash(text: string): string {
  return [1, 2, 3, 4]
    .map((seed) => hashValue(text, false, seed).toString(16).padStart(8, '0'))
    .join('');
}
