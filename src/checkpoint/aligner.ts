/**
 * Barrier alignment, a pure machine: which inputs to hold back, and when all have brought the barrier.
 *
 *     input 0   a b │ c d          after its barrier, input 0 is held: c belongs to the next epoch
 *     input 1   x y z │            once input 1 has brought it too, the task may freeze and release both
 *
 * Law: between the barriers of an epoch nothing of the next epoch enters. After the aligned checkpoints of Flink.
 */
import { assert } from '../core/errors.js';

export class BarrierAligner {
  readonly #held: boolean[];
  readonly #inputs: number;
  #waiting: number;
  #epoch = 0;

  /** @param options.align false for at-least-once: nothing is held, elements behind a barrier are counted early */
  constructor({ inputs, align }: { inputs: number; align: boolean }) {
    this.#inputs = inputs;
    this.#held = new Array<boolean>(inputs).fill(false);
    this.#arrived = new Array<boolean>(inputs).fill(false);
    this.#waiting = inputs;
    this.#align = align;
  }

  readonly #align: boolean;
  readonly #arrived: boolean[];

  holds(input: number): boolean {
    return this.#held[input] === true;
  }

  /** Whether some input has brought the barrier and others have not. */
  get isAligning(): boolean {
    return this.#waiting < this.#inputs;
  }

  /** An input brings the barrier of an epoch. Returns `freeze` when it was the last one: all are released. */
  on(input: number, epoch: number): 'hold' | 'freeze' {
    assert(this.#arrived[input] === false, `input ${input} brings one barrier per epoch`);
    assert(
      !this.isAligning || epoch === this.#epoch,
      `one epoch is aligned at a time: ${this.#epoch}, not ${epoch}`,
    );
    this.#epoch = epoch;
    this.#arrived[input] = true;
    this.#held[input] = this.#align;
    this.#waiting -= 1;
    if (this.#waiting > 0) return 'hold';
    this.#held.fill(false);
    this.#arrived.fill(false);
    this.#waiting = this.#inputs;
    return 'freeze';
  }
}
