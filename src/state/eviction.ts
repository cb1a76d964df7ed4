/**
 * Which slots leave the heap: a hand goes round and round over all of them, takes a look at some at a time, and gives those
 * of them that were not changed for longest. That is close to the least recently used, without a list to keep in order.
 */

interface Stamped {
  readonly dirtyEpoch: number;
}

export class ClockHand<Slot extends Stamped> {
  #rest: Iterator<Slot> | undefined;

  /** @param visits how many slots are looked at; fewer where a round ends */
  pick(
    slots: { all(): Iterator<Slot> },
    visits: number,
    mayLeave: (slot: Slot) => boolean,
  ): Slot[] {
    const candidates: Slot[] = [];
    this.#rest ??= slots.all();
    for (let visit = 0; visit < visits; visit += 1) {
      const next = this.#rest.next();
      if (next.done === true) {
        this.#rest = undefined;
        break;
      }
      if (mayLeave(next.value)) candidates.push(next.value);
    }
    return olderHalf(candidates);
  }
}

/** Those changed no later than most, about. */
function olderHalf<Slot extends Stamped>(sample: Slot[]): Slot[] {
  let sum = 0;
  for (const { dirtyEpoch } of sample) sum += dirtyEpoch;
  const mean = sum / sample.length;
  return sample.filter(({ dirtyEpoch }) => dirtyEpoch <= mean);
}
