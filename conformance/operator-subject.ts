/** An operator in a rig, as a subject of cases: elements, watermarks, clock, snapshots; outputs, side outputs, leftovers. */
import type { Case, Check, Fields, Recorded } from './case.js';
import { Risen, compareOut, compareParts, compareRecords, compareValue } from './compare.js';
import { Mismatch, type Subject } from './drive.js';
import { Rig, type RigOptions } from './rig.js';

export interface OperatorSubjectOptions extends RigOptions {
  /** Whether checks name everything that comes out; see `DriveOptions`. */
  readonly exhaustive: boolean;
  /** Makes the vector's value of what the operator emits. Default: the same. */
  readonly present?: (value: unknown) => unknown;
  /** Whether nothing may be left where Flink has nothing left. Default true. */
  readonly comparesLeftovers?: boolean;
  /** Whether numbers of timers mean the same here and in Flink, so that any number is compared, not only 0. */
  readonly countsTimers?: boolean;
  /**
   * Takes a record apart where one part of it depends on the order of what comes in no defined order, such as a number
   * that counts up: the parts are then compared each for themselves.
   */
  readonly parts?: ((record: Recorded) => Recorded[]) | undefined;
  /** Side outputs that are not compared, because the case shows a defect of Flink in them. */
  readonly ignoredSides?: readonly string[];
}

/**
 * What a timer of the clock sends to a side output. Flink gives it the time of the timer, Tidemark none (see
 * docs/flink-differences.md): so the time travels in the value, and is compared nevertheless.
 */
export class SentByClock {
  readonly value: unknown;
  readonly time: number;

  constructor(value: unknown, time: number) {
    this.value = value;
    this.time = time;
  }
}

export class OperatorSubject implements Subject {
  readonly rig: Rig;
  readonly #options: OperatorSubjectOptions;
  readonly #keepsOutput: boolean;
  readonly #risen: Risen[] = [new Risen()];

  constructor({ given }: Pick<Case, 'given'>, options: OperatorSubjectOptions) {
    this.#options = options;
    this.#keepsOutput = given['keepOutputAcrossRestore'] === true;
    this.rig = new Rig(options);
  }

  step(step: Fields): void {
    const [[name, value] = []] = Object.entries(step);
    switch (name) {
      case 'el':
      case 'el1':
      case 'el2':
        return this.rig.element(value, timestampOf(step), inputOf(name));
      case 'wm':
      case 'wm1':
      case 'wm2':
        return this.#watermark(value as number, name);
      case 'status1':
      case 'status2':
        return this.rig.signal({ kind: value as 'idle' | 'active' }, inputOf(name));
      case 'pt':
        return this.rig.processingTime(value as number);
      case 'snapshot':
        return this.rig.snapshot(value as string);
      case 'restore':
        this.#risen.unshift(new Risen());
        return this.rig.restore(value as string, { keepsOutput: this.#keepsOutput });
      default:
        throw new Error(`a step that this runner does not know: ${JSON.stringify(step)}`);
    }
  }

  check(check: Check): void {
    const { exhaustive, present = (value: unknown) => value } = this.#options;
    const { out, sides } = this.rig.take();
    const expected = this.#risen[0]?.of(check);
    if (expected !== undefined && (exhaustive || check.out !== undefined)) {
      const got = out.map((item) => ('v' in item ? { ...item, v: present(item.v) } : item));
      const { parts } = this.#options;
      if (parts === undefined) compareOut(expected.out, got, check, expected.groups);
      else compareParts({ expected: expected.out, got, check, groups: expected.groups, parts });
    }
    this.#checkSides(check, sides);
    this.#checkLeftovers(check);
  }

  /** Flink's harness hands an operator also a watermark that repeats the last one. */
  #watermark(time: number, name: string): void {
    if (name === 'wm' && time === this.rig.watermark) this.rig.advanceAgain();
    else this.rig.signal({ kind: 'watermark', time }, inputOf(name));
  }

  #checkSides({ side = {}, sideOrder }: Check, sides: ReadonlyMap<string, Recorded[]>): void {
    const { exhaustive, ignoredSides = [] } = this.#options;
    const tags = new Set([...Object.keys(side), ...(exhaustive ? sides.keys() : [])]);
    for (const tag of tags)
      if (!ignoredSides.includes(tag))
        compareRecords(side[tag] ?? [], (sides.get(tag) ?? []).map(unwrapped), {
          exact: sideOrder === 'exact',
          name: `side ${tag}`,
        });
  }

  /** Flink counts what it keeps in its own way; but nothing is nothing. */
  #checkLeftovers({ eventTimers, procTimers, state }: Check): void {
    if (eventTimers === undefined && procTimers === undefined && state === undefined) return;
    if (this.#options.comparesLeftovers === false) return;
    const { store } = this.rig;
    for (const [want, have, name] of [
      [eventTimers, store.eventTimers.size, 'event timers'],
      [procTimers, store.processingTimers.size, 'processing timers'],
    ] as const)
      if (want === 0 || (want !== undefined && this.#options.countsTimers === true))
        compareValue(want, have, name);
    if (state === 0 && eventTimers === 0 && procTimers === 0) this.#checkNothingIsLeft();
  }

  /** The place of a key that holds nothing may be kept for a while, but not to the end of time. */
  #checkNothingIsLeft(): void {
    const { rig } = this;
    const { holding } = rig.keys();
    if (holding > 0) throw new Mismatch(`expected nothing to be left, got ${holding} keys`);
    rig.signal({ kind: 'watermark', time: Infinity });
    const { all } = rig.keys();
    if (all > 0) throw new Mismatch(`expected no key at the end of time, got ${all}`);
  }
}

function unwrapped({ v, ts }: Recorded): Recorded {
  if (!(v instanceof SentByClock)) return { v, ts };
  return { v: v.value, ts: Number.isNaN(ts) ? v.time : ts };
}

/** MIN stands for no timestamp. */
export function timestampOf({ ts }: Fields): number {
  return typeof ts === 'number' && ts !== -Infinity ? ts : NaN;
}

function inputOf(name: string): number {
  return name.endsWith('2') ? 1 : 0;
}
