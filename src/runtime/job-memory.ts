/**
 * Keeps the keyed state of a job within its budget: weighs some slots now and then, lets go of clean ones in bounded steps
 * between rounds of work, and says when an epoch has to end because too much of the state is changed.
 */
import { byteSize, type Bytes } from '../core/byte-size.js';
import type { Runtime } from '../core/runtime.js';
import type { StateBackendFactory } from '../state/backend.js';
import { beyondLimit } from '../state/state-limits.js';
import { heapBytesOf } from '../state/heap-size.js';
import { MeanSize, MemoryBudget } from '../state/memory-budget.js';
import type { KeyedStore, StoredSlot } from '../state/slots.js';

/** Slots that are weighed at a time, and how many rounds pass until the next ones are. */
const WEIGHED = 4;
const ROUNDS_PER_WEIGHING = 16;
/** Slots that are looked at in one round for some to leave, at most: about a millisecond. */
const VISITS_PER_ROUND = 16_384;
const VISITS_PER_STEP = 256;

interface Watched {
  readonly uid: string;
  readonly store: KeyedStore<object>;
  readonly mean: MeanSize;
  weighing: Iterator<StoredSlot<object>> | undefined;
}

export class JobMemory {
  readonly #budget: MemoryBudget;
  readonly #watched: readonly Watched[];
  readonly #hasLimits: boolean;
  #round = 0;

  /**
   * @param stores of all shards, by uid
   * @param bytes the budget; Infinity for none
   */
  constructor(stores: Iterable<readonly [string, KeyedStore<object>]>, bytes: number) {
    this.#budget = new MemoryBudget(bytes);
    this.#watched = [...stores].map(([uid, store]) => ({
      uid,
      store,
      mean: new MeanSize(),
      weighing: undefined,
    }));
    this.#hasLimits = this.#watched.some(({ store }) => store.spec.limits?.bytes !== undefined);
  }

  /**
   * To be called between two rounds of work.
   *
   * @throws TidemarkError STATE_LIMIT
   */
  step(): void {
    if (this.#budget.isUnlimited && !this.#hasLimits) return;
    if (this.#round % ROUNDS_PER_WEIGHING === 0) this.#weigh();
    this.#round += 1;
    if (!this.#budget.isUnlimited) this.#evict();
  }

  /** Whether the running epoch has to end, because it has changed its share of the budget. */
  epochIsForced(): boolean {
    if (this.#budget.isUnlimited) return false;
    return this.#budget.isEpochFull(this.#sum(({ dirtySlots }) => dirtySlots));
  }

  /** Bytes of heap, as estimated. */
  get heapBytes(): number {
    return this.#sum(({ heapSize }) => heapSize);
  }

  #sum(slots: (store: KeyedStore<object>) => number): number {
    let bytes = 0;
    for (const { store, mean } of this.#watched) bytes += slots(store) * mean.bytes;
    return bytes;
  }

  #weigh(): void {
    for (const watched of this.#watched) {
      const { store, mean } = watched;
      for (let left = WEIGHED; left > 0; left -= 1) {
        watched.weighing ??= store.hotSlots();
        const next = watched.weighing.next();
        if (next.done === true) {
          watched.weighing = undefined;
          break;
        }
        const { key, live } = next.value;
        const { spec } = store;
        mean.note(heapBytesOf(key) + (spec.weigh?.(live) ?? heapBytesOf(spec.pack(live))));
      }
    }
    if (this.#hasLimits) this.#checkLimits();
  }

  #evict(): void {
    let excess = this.#budget.excess(this.heapBytes);
    if (excess === 0) return;
    for (const { store, mean } of this.#watched) {
      const visits = Math.min(VISITS_PER_ROUND, 2 * store.heapSize);
      for (let seen = 0; seen < visits && excess > 0; seen += VISITS_PER_STEP)
        excess -= store.evict(VISITS_PER_STEP) * mean.bytes;
    }
  }

  #checkLimits(): void {
    const bytes = new Map<string, number>();
    for (const { uid, store, mean } of this.#watched) {
      const sum = (bytes.get(uid) ?? 0) + store.size * mean.bytes;
      const most = store.spec.limits?.bytes ?? Infinity;
      if (sum > most) throw beyondLimit(uid, { of: 'bytes', most }, `about ${Math.round(sum)}`);
      bytes.set(uid, sum);
    }
  }
}

/** Node ends when its heap is full, and half of it is for everything that is not state. */
const HEAP_SHARE = 0.5;

/**
 * The budget of a job.
 *
 * @throws TidemarkError OPTIONS_INVALID
 */
export function memoryBytes(
  memory: Bytes | undefined,
  given: { readonly state: StateBackendFactory; readonly runtime: Runtime; readonly where: string },
): number {
  const { state, runtime, where } = given;
  if (memory !== undefined) return byteSize(memory, `memory of ${where}`);
  return state.directory === undefined ? Infinity : (runtime.heapLimit ?? Infinity) * HEAP_SHARE;
}
