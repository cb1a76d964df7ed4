/**
 * Watermarks made from elements, and idleness: cases of Flink's generators and of its timer for idle sources against the
 * operator of `eventTime`.
 *
 * Flink asks its generators by the clock (`periodicEmit`), Tidemark goes by the data: so the watermark is looked at when
 * Flink would ask. That is also when an empty source is polled, which is what counts for idleness.
 */
import type { OperatorContext } from '../../src/core/operator.js';
import { EventTimeOperator, MAX_TIMESTAMP } from '../../src/dsl/event-time-operator.js';
import { eventTime } from '../../src/dsl/event-time.js';
import { DataStream, inputNode } from '../../src/dsl/data-stream.js';
import { BoundedOutOfOrderness } from '../../src/time/watermark.js';
import type { Check, Fields } from '../case.js';
import { Risen, compareOut, compareValue } from '../compare.js';
import type { DriveOptions, Subject } from '../drive.js';
import { Heard } from './multiplexer.js';

/** Splits that are polled, as the pump of a source does: idle once nothing has come for longer than the time-out. */
class PolledSplits {
  readonly #operator: EventTimeOperator;
  readonly #splits = new Map<string, { readonly number: number; pollingSince?: number }>();
  #created = 0;
  #current = 0;
  now = 0;

  constructor(boundMs: number, idleTimeoutMs: number | undefined) {
    // Flink's time-out has to be exceeded, that of Tidemark reached.
    const idlenessMs = idleTimeoutMs === undefined ? Infinity : idleTimeoutMs + 1;
    this.#operator = new EventTimeOperator(
      contextOf(() => this.#current),
      {
        timestampOf: Number,
        appendedOf: undefined,
        maxFutureMs: Infinity,
        minimum: -MAX_TIMESTAMP,
        idlenessMs,
        generator: () => new BoundedOutOfOrderness({ boundMs, everyMs: 0 }),
      },
    );
  }

  register(name: string): void {
    const number = this.#created;
    this.#created += 1;
    this.#splits.set(name, { number });
    // Asked for, it is there, and waited for.
    this.#operator.generator.watermarkOf(number);
  }

  unregister(name: string): boolean {
    const split = this.#splits.get(name);
    if (split !== undefined) this.#operator.generator.end(split.number);
    return this.#splits.delete(name);
  }

  element(name: string, timestamp: number): void {
    const split = this.#splitOf(name);
    this.#current = split.number;
    delete split.pollingSince;
    this.#operator.element(timestamp, NaN);
  }

  /** Polls all splits; those that have had elements since the last time begin to be polled in vain with the next one. */
  poll(): void {
    for (const split of this.#splits.values()) {
      if (this.#hasNews.delete(split.number)) continue;
      // A start at time 0 means "not begun" to Flink's timer, so that it begins anew with the next poll.
      if (split.pollingSince === undefined || split.pollingSince === 0)
        split.pollingSince = this.now;
      this.#operator.generator.polledInVain(split.number, this.now - split.pollingSince);
    }
  }

  get watermark(): number {
    return this.#operator.outputWatermark(-Infinity);
  }

  get isIdle(): boolean {
    return this.#operator.generator.allIdle();
  }

  /** Splits with elements since the last poll. */
  readonly #hasNews = new Set<number>();

  #splitOf(name: string): { readonly number: number; pollingSince?: number } {
    const split = this.#splits.get(name);
    if (split === undefined) throw new Error(`no split ${name}`);
    this.#hasNews.add(split.number);
    return split;
  }
}

/** The one split of cases that name none. */
const ONLY = 'only';

export class SplitsSubject implements Subject {
  readonly #splits: PolledSplits;
  readonly #exhaustive: boolean;
  readonly #heard = new Heard();
  readonly #risen = new Risen();
  #returned: boolean | undefined;

  constructor(given: Fields, { exhaustive }: DriveOptions) {
    this.#exhaustive = exhaustive;
    const { maxOutOfOrderness = 0 } = { ...(given['generator'] as Fields | undefined), ...given };
    this.#splits = new PolledSplits(
      maxOutOfOrderness as number,
      given['idleTimeout'] as number | undefined,
    );
    if (given['kind'] === 'generator') this.#splits.register(ONLY);
  }

  step(step: Fields): void {
    this.#returned = undefined;
    const [[name, value] = []] = Object.entries(step);
    switch (name) {
      case 'register':
        return this.#splits.register(value as string);
      case 'unregister':
        this.#returned = this.#splits.unregister(value as string);
        return;
      case 'event':
        return this.#splits.element(value === true ? ONLY : String(value), step['ts'] as number);
      case 'advanceClock':
        this.#splits.now += value as number;
        return;
      case 'periodicEmit':
        this.#splits.poll();
        return this.#heard.hear(this.#splits.watermark, this.#splits.isIdle);
      default:
        throw new Error(`a step that this runner does not know: ${JSON.stringify(step)}`);
    }
  }

  check(check: Check): void {
    const { lastWatermark, returned } = check;
    const out = this.#heard.take();
    const expected = this.#risen.of(check);
    if (this.#exhaustive) compareOut(expected.out, out, { order: 'exact' }, undefined);
    if (lastWatermark !== undefined)
      compareValue(lastWatermark, this.#heard.lastWatermark ?? -Infinity, 'last watermark');
    if (returned !== undefined) compareValue(returned, this.#returned, 'returned');
  }
}

export class IdlenessSubject implements Subject {
  readonly #splits: PolledSplits;

  constructor({ timeout }: Fields) {
    const idleness = timeout as number;
    // Options are checked where users write them.
    new DataStream<number>({ from: inputNode('in', undefined, undefined) }).pipe(
      eventTime({ timestamp: Number, idleness }),
    );
    this.#splits = new PolledSplits(0, idleness);
    // These cases begin at some time of a real clock.
    this.#splits.now = 1;
    this.#splits.register(ONLY);
  }

  step(step: Fields): void {
    if ('activity' in step) this.#splits.element(ONLY, this.#splits.now);
    else if ('advanceClock' in step) this.#splits.now += step['advanceClock'] as number;
    else this.#splits.poll();
  }

  check({ idle }: Check): void {
    if (idle !== undefined) compareValue(idle, this.#splits.isIdle, 'idle');
  }
}

/** As much of a context as the operator of `eventTime` asks for; what fails is thrown. */
function contextOf(currentSplit: () => number): OperatorContext {
  return {
    name: 'eventTime',
    output: { element: () => undefined },
    counters: { received: 0, accepted: 0, late: 0, dead: 0, filtered: 0, refused: 0 },
    splits: [],
    isGuarded: false,
    shard: 0,
    upstreamLatenessMs: 0,
    currentSplit,
    requestWalk: () => undefined,
    watermark: () => -Infinity,
    now: () => 0,
    late: () => undefined,
    derive: () => undefined,
    side: unasked,
    keyCell: unasked,
    keyedState: unasked,
    replicatedState: unasked,
    inHand: unasked,
    resume: unasked,
    arrived: unasked,
    hold: unasked,
    ownsKey: unasked,
    beyondCapacity: 'keep',
    reject(_value, _timestamp, cause) {
      throw cause;
    },
    fail(cause) {
      throw cause;
    },
  };
}

function unasked(): never {
  throw new Error('eventTime asks for neither keys nor state nor side outputs');
}
