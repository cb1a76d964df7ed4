/** The watermark of a step with several inputs: cases of Flink's `StatusWatermarkValve` against `union`. */
import { filter } from '../../src/dsl/filter.js';
import { union } from '../../src/dsl/union.js';
import type { Check, Fields, Item } from '../case.js';
import { Risen, compareOut, compareValue } from '../compare.js';
import type { DriveOptions, Subject } from '../drive.js';
import { Rig } from '../rig.js';

/**
 * As far as a watermark goes without being the end of an input. In the cases MAX is a watermark like others, behind which
 * more may follow; in Tidemark Infinity is the end, which is not waited for and is never idle.
 */
const FAR = Number.MAX_VALUE;

export class ValveSubject implements Subject {
  readonly #rig: Rig;
  readonly #exhaustive: boolean;
  readonly #idle = new Set<number>();
  readonly #risen = new Risen();
  #pending: Item[] = [];

  constructor({ inputs }: Fields, { exhaustive }: DriveOptions) {
    this.#exhaustive = exhaustive;
    this.#rig = new Rig({
      inputs: inputs as number,
      build: (first, ...others) =>
        others.length === 0 ? first.pipe(filter(() => true)) : first.pipe(union(...others)),
    });
  }

  step(step: Fields): void {
    const channel = step['channel'] as number;
    if ('status' in step) {
      const kind = step['status'] as 'idle' | 'active';
      if (kind === 'idle') this.#idle.add(channel);
      else this.#idle.delete(channel);
      this.#rig.signal({ kind }, channel);
    } else if (!this.#idle.has(channel)) {
      // Flink ignores the watermarks of an idle channel; here a watermark ends idleness, so none is sent.
      this.#rig.signal({ kind: 'watermark', time: Math.min(step['wm'] as number, FAR) }, channel);
    }
    this.#pending.push(...this.#rig.take().out.map(named));
  }

  /** What has come out is a queue in the older files, from which a check takes as many items as it names. */
  check(check: Check): void {
    const { out } = this.#risen.of(check);
    const taken = this.#pending.splice(0, this.#exhaustive ? this.#pending.length : out.length);
    compareOut(out, taken, { order: 'exact' }, undefined);
    if (check['end'] === true) compareValue([], this.#pending, 'the rest');
  }
}

function named(item: Item): Item {
  return 'wm' in item && item.wm === FAR ? { wm: Infinity } : item;
}
