/**
 * The heap that keyed state takes, held against a budget. It decides; who owns the stores carries out.
 *
 *     0 ──────────── a quarter ──────────────────────── full
 *     clean and dirty slots   dirty ones beyond it      clean ones leave the heap, those unchanged for longest first
 *                             end the epoch, and wait
 *                             for one in commit
 *
 * The heap of V8 holds garbage beside what is alive, and frees it when it likes; so of a budget only a share may be alive.
 */

/** What may be alive of a budget. From the bench case `spill`, where the rest is what RssAnon shows beside it. */
const ALIVE_SHARE = 0.6;
/** Of that, what the running epoch may change before it has to end; as much again may be in commit. */
const DIRTY_SHARE = 0.25;
/** A slot, its place in a table, and its share of the room that a table keeps free. */
const SLOT_BYTES = 130;
/** How far one look at a slot moves the mean. */
const WEIGHT_OF_ONE = 1 / 64;

/** The mean size of slots, from looks at some of them. A single large one moves it as much as it takes. */
export class MeanSize {
  #mean = 0;
  #looks = 0;

  /** @param bytes of heap, beside the slot itself */
  note(bytes: number): void {
    this.#looks += 1;
    this.#mean += (bytes - this.#mean) * Math.max(WEIGHT_OF_ONE, 1 / this.#looks);
  }

  /** Bytes of heap per slot. */
  get bytes(): number {
    return SLOT_BYTES + this.#mean;
  }
}

export class MemoryBudget {
  readonly #alive: number;

  /** @param bytes of all keyed state of a job; Infinity for no budget */
  constructor(bytes: number) {
    this.#alive = bytes * ALIVE_SHARE;
  }

  get isUnlimited(): boolean {
    return this.#alive === Infinity;
  }

  /** Bytes that have to leave the heap. */
  excess(bytesInHeap: number): number {
    return Math.max(0, bytesInHeap - this.#alive);
  }

  /** Whether the running epoch has changed as much as it may. */
  isEpochFull(dirtyBytes: number): boolean {
    return dirtyBytes > 0 && dirtyBytes >= this.#alive * DIRTY_SHARE;
  }
}
