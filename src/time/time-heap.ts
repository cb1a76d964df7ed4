/** A binary min-heap of numbers: the distinct times at which something is due. */
export class TimeHeap {
  readonly #times: number[] = [];

  get size(): number {
    return this.#times.length;
  }

  /** The smallest number, Infinity when there is none. */
  peek(): number {
    return this.#times[0] ?? Infinity;
  }

  push(time: number): void {
    const times = this.#times;
    let at = times.length;
    times.push(time);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = times[parent] as number;
      if (above <= time) break;
      times[at] = above;
      at = parent;
    }
    times[at] = time;
  }

  /** Removes and gives the smallest number, Infinity when there is none. */
  pop(): number {
    const times = this.#times;
    const smallest = this.peek();
    const last = times.pop();
    if (last === undefined || times.length === 0) return smallest;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= times.length) break;
      if (child + 1 < times.length && (times[child + 1] as number) < (times[child] as number))
        child += 1;
      const below = times[child] as number;
      if (below >= last) break;
      times[at] = below;
      at = child;
    }
    times[at] = last;
    return smallest;
  }
}
