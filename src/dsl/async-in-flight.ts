/**
 * The elements that have entered an `asyncMap` and not left it, as declared state: in the slot of their key, or where
 * there is none in a slot of their own under a number that this shard owns.
 *
 * Nothing else of the operator is state. A restore puts the elements back in their order, with the watermarks between
 * them that each had seen when it came, and all of them are called again.
 */
import type { InHand } from '../core/in-hand.js';
import type { KeyedState, KeyedStateSpec, OperatorContext } from '../core/operator.js';
import type { Key } from '../core/key.js';
import type { Identity } from './async-identity.js';

/** An element in flight. */
export interface InFlight {
  /** Ascending in each shard. */
  readonly sequence: number;
  /** The slot that it lies in. */
  readonly slotKey: Key;
  readonly value: unknown;
  readonly timestamp: number;
  /** The watermark when it came. */
  readonly watermark: number;
  readonly element: InHand;
  readonly identity: Identity;
}

/** By sequence. */
type Elements = Map<number, InFlight>;

interface Cell {
  readonly elements: Elements;
}

export const inFlightSpec: KeyedStateSpec<Cell> = {
  create: () => ({ elements: new Map() }),
  pack: ({ elements }) => [...elements.values()].map(packed),
  unpack: (list) => ({
    elements: new Map((list as unknown[][]).map((one) => [one[0] as number, unpacked(one)])),
  }),
  isEmpty: ({ elements }) => elements.size === 0,
};

function packed({ sequence, value, timestamp, watermark, element, identity }: InFlight): unknown[] {
  const { origin, position, derivedKey, key, hasSeveralKeys } = element;
  return [
    sequence,
    value,
    timestamp,
    watermark,
    [origin.name, origin.unit, position, derivedKey, key, hasSeveralKeys],
    [identity.index, identity.digest],
  ];
}

/** Without the key of its slot, which is not known here. */
function unpacked([sequence, value, timestamp, watermark, element, identity]: unknown[]): InFlight {
  const [name, unit, position, derivedKey, key, hasSeveralKeys] = element as [
    string,
    string,
    number,
    unknown,
    Key | undefined,
    boolean,
  ];
  const [index, digest] = identity as [number, string | undefined];
  return {
    sequence: sequence as number,
    slotKey: '',
    value,
    timestamp: timestamp as number,
    watermark: watermark as number,
    element: { origin: { name, unit }, position, derivedKey, key, hasSeveralKeys },
    identity: { index, digest },
  };
}

export class InFlightElements {
  readonly #context: OperatorContext;
  readonly #store: KeyedState<Cell>;
  readonly #keyOf: (() => Key) | undefined;
  #sequence = 0;

  /** @param options.isKeyed whether the elements have a key; without one they belong to the shard that they came to */
  constructor(context: OperatorContext, { isKeyed }: { isKeyed: boolean }) {
    this.#context = context;
    this.#store = context.keyedState<Cell>();
    if (isKeyed) {
      const cell = context.keyCell(0);
      this.#keyOf = () => cell.key;
    }
  }

  /** What a restore has brought, in the order in which it had come. */
  restored(): InFlight[] {
    const found = [...this.#store.slots()].flatMap(({ key, live }) =>
      [...live.elements.values()].map((one) => ({ ...one, slotKey: key })),
    );
    for (const { sequence } of found) this.#sequence = Math.max(this.#sequence, sequence);
    // Shards count for themselves, so after a rescale only the watermark says what came before what.
    return found.sort((a, b) => compare(a.watermark, b.watermark) || a.sequence - b.sequence);
  }

  add(value: unknown, timestamp: number, element: InHand, identity: Identity): InFlight {
    const slot = this.#store.slot(this.#slotKey());
    const one: InFlight = {
      sequence: this.#sequence,
      slotKey: slot.key,
      value,
      timestamp,
      watermark: this.#context.watermark(),
      element,
      identity,
    };
    this.#store.touch(slot);
    slot.live.elements.set(one.sequence, one);
    return one;
  }

  remove({ slotKey, sequence }: InFlight): void {
    const slot = this.#store.find(slotKey);
    if (slot === undefined) return;
    this.#store.touch(slot);
    slot.live.elements.delete(sequence);
    this.#store.release(slot);
  }

  /** Counts on, and gives the key of the slot: the one of the element, or the number itself. */
  #slotKey(): Key {
    this.#sequence += 1;
    if (this.#keyOf !== undefined) return this.#keyOf();
    // Another shard may bring state of its own under the same uid: no number belongs to two of them.
    while (!this.#context.ownsKey(this.#sequence)) this.#sequence += 1;
    return this.#sequence;
  }
}

function compare(a: number, b: number): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
