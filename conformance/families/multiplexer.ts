/**
 * The watermark of several splits as one: cases of Flink's `WatermarkOutputMultiplexer` against `SplitMerge`.
 *
 * The splits are generators as `eventTime` has them, with the watermark of the case put in by hand.
 */
import { SplitMerge } from '../../src/time/split-merge.js';
import { BoundedOutOfOrderness } from '../../src/time/watermark.js';
import type { Check, Fields, Item } from '../case.js';
import { Risen, compareOut, compareValue } from '../compare.js';
import { NotApplicable, type DriveOptions, type Subject } from '../drive.js';

/** What stands behind the splits hears: watermarks that rise, and idleness, which in Flink only a watermark ends. */
export class Heard {
  #out: Item[] = [];
  #watermark = -Infinity;
  #isIdle = false;

  /** The last watermark; null while there was none. */
  get lastWatermark(): number | null {
    return this.#watermark === -Infinity ? null : this.#watermark;
  }

  get isIdle(): boolean {
    return this.#isIdle;
  }

  hear(watermark: number, isIdle: boolean): void {
    if (watermark > this.#watermark) {
      this.#watermark = watermark;
      this.#isIdle = false;
      this.#out.push({ wm: watermark });
    }
    if (!isIdle || this.#isIdle) return;
    this.#isIdle = true;
    this.#out.push({ status: 'idle' });
  }

  take(): Item[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }
}

export class MultiplexerSubject implements Subject {
  readonly #exhaustive: boolean;
  readonly #merge = new SplitMerge();
  readonly #splits = new Map<string, BoundedOutOfOrderness>();
  readonly #heard = new Heard();
  readonly #risen = new Risen();
  #returned: boolean | undefined;

  constructor({ exhaustive }: DriveOptions) {
    this.#exhaustive = exhaustive;
  }

  step(step: Fields): void {
    this.#returned = undefined;
    if ('register' in step) return this.#register(step['register'] as string);
    if ('unregister' in step) return this.#unregister(step['unregister'] as string);
    if ('periodicEmit' in step) return this.#combine();
    const split = this.#splits.get(step['output'] as string);
    if (split === undefined)
      throw new NotApplicable('an output that is not there: splits have no names');
    split.idle = 'idle' in step;
    const hasRisen = 'wm' in step && split.force(step['wm'] as number);
    // A deferred output is looked at with the next periodic emission, and so is a watermark that does not rise.
    if (step['mode'] === 'immediate' && (hasRisen || !('wm' in step))) this.#combine();
  }

  check(check: Check): void {
    const { lastWatermark, idle, returned } = check;
    const out = this.#heard.take();
    const expected = this.#risen.of(check);
    if (this.#exhaustive || check.out !== undefined)
      compareOut(expected.out, out, { order: 'exact' }, undefined);
    if (lastWatermark !== undefined)
      compareValue(lastWatermark, this.#heard.lastWatermark, 'last watermark');
    if (idle !== undefined) compareValue(idle, this.#heard.isIdle, 'idle');
    if (returned !== undefined) compareValue(returned, this.#returned, 'returned');
  }

  #register(name: string): void {
    const split = new BoundedOutOfOrderness({ boundMs: 0, everyMs: 0 });
    this.#splits.set(name, split);
    this.#merge.add(split);
  }

  #unregister(name: string): void {
    const split = this.#splits.get(name);
    this.#returned = split !== undefined && this.#merge.remove(split);
    this.#splits.delete(name);
  }

  #combine(): void {
    this.#heard.hear(this.#merge.combine(), this.#merge.isIdle);
  }
}
