/** Asynchronous calls: cases of Flink's `AsyncWaitOperator` against `asyncFlatMap`, and of its queue against ours. */
import { TidemarkError, show } from '../../src/core/errors.js';
import { asyncFlatMap } from '../../src/dsl/async-map.js';
import { AsyncQueue, type Place, type Ticket } from '../../src/dsl/async-queue.js';
import { PendingCalls } from '../../src/testing/pending-calls.js';
import type { Case, Check, Fields, Item } from '../case.js';
import { Risen, compareOut, compareSet, compareValue } from '../compare.js';
import { Mismatch, drive, type DriveOptions, type Subject } from '../drive.js';
import { timestampOf } from '../operator-subject.js';
import { Rig } from '../rig.js';

/** @throws Mismatch, NotApplicable */
export function runAsync(testCase: Case, options: DriveOptions): void {
  drive(
    testCase,
    () =>
      testCase.given['kind'] === 'queue'
        ? new QueueSubject(testCase.given)
        : new AsyncSubject(testCase, options),
    options,
  );
}

class AsyncSubject implements Subject {
  readonly #rig: Rig;
  readonly #exhaustive: boolean;
  readonly #complete: string;
  readonly #result: (x: number) => number;
  readonly #fails: boolean;
  readonly #isOrdered: boolean;
  readonly #risen = new Risen();
  readonly #calls = new PendingCalls<readonly number[]>();
  /** How many calls had been made at the last restore. */
  #calledBefore = 0;
  /** Whether calls are answered as soon as they are made. */
  #answersAtOnce = false;
  #failure: TidemarkError | undefined;
  #hasEnded = false;
  /** How many calls have timed out since the last check. */
  #timedOut = 0;

  constructor({ given, expect }: Case, { exhaustive }: DriveOptions) {
    this.#exhaustive = exhaustive;
    this.#fails = expect.some((check) => check['failure'] !== undefined);
    const { complete, result = 'x', onTimeout } = given['function'] as Record<string, unknown>;
    this.#complete = complete as string;
    this.#result = formula(result as string);
    const late = (onTimeout as { completeWith?: string } | undefined)?.completeWith;
    this.#isOrdered = given['mode'] === 'ordered';
    const options = {
      uid: 'async',
      ordered: this.#isOrdered,
      capacity: given['capacity'] as number,
      timeout: given['timeout'] as number,
      ...(late === undefined ? {} : { onTimeout: (x: number) => this.#giveUp(x, formula(late)) }),
    };
    this.#rig = new Rig({
      restoresWatermarks: true,
      build: (root) =>
        root.pipe(asyncFlatMap((x, call) => this.#calls.ask(x, call), options as never)),
    });
  }

  step(step: Fields): void {
    try {
      this.#perform(step);
      if (this.#complete === 'exceptionally')
        for (const x of this.#calls.open()) this.#calls.fail(x, new Error('as the case says'));
      if (this.#answersAtOnce) this.#answerAll();
    } catch (error) {
      if (!this.#fails || !(error instanceof TidemarkError)) throw error;
      this.#failure ??= error;
    }
  }

  check(check: Check): void {
    const expected = this.#risen.of(check);
    // The end of the input is a watermark here, and none in Flink's harness.
    const out = this.#rig
      .take()
      .out.filter((item) => !(this.#hasEnded && 'wm' in item && item.wm === Infinity));
    // Calls that time out at one moment do so in the order of a Java heap; their order is compared where it is kept.
    const order = this.#timedOut > 1 && !this.#isOrdered ? 'sorted' : (check.order ?? 'sorted');
    this.#timedOut = 0;
    if (this.#exhaustive || check.out !== undefined)
      compareOut(expected.out, out, { ...check, order }, undefined);
    const values = out.flatMap((item) => ('v' in item ? [item.v] : []));
    if (check['values'] !== undefined) compareValue(check['values'], values, 'values');
    this.#checkCalls(check);
    if (check['failure'] !== undefined && this.#failure === undefined)
      throw new Mismatch(`expected a failure (${show(check['failure'])}), got none`);
    if (check['physicalTimers'] !== undefined)
      compareValue(check['physicalTimers'], this.#rig.clock.armed.size, 'timers of the clock');
  }

  #perform(step: Fields): void {
    if ('el' in step) this.#rig.element(step['el'], timestampOf(step));
    else if ('wm' in step) this.#watermark(step['wm'] as number);
    else if ('pt' in step) this.#rig.processingTime(step['pt'] as number);
    else if ('snapshot' in step) this.#rig.snapshot(step['snapshot'] as string);
    else if ('restore' in step) this.#restore(step['restore'] as string);
    else if ('complete' in step) this.#answer(step['complete'] as number, step['with']);
    else if ('releaseAll' in step) this.#answerAll();
    else if ('endInput' in step) {
      if (this.#complete === 'eventually') this.#answerAll();
      this.#hasEnded = true;
      this.#rig.signal({ kind: 'end' });
    } else if (!('close' in step))
      throw new Error(`a step that this runner does not know: ${JSON.stringify(step)}`);
  }

  #checkCalls(check: Check): void {
    const called = check['called'] as readonly number[] | undefined;
    if (called !== undefined)
      compareSet(
        called,
        this.#calls.calls.slice(this.#calledBefore).map(({ value }) => value),
        'called',
      );
    const inFlight = check['inFlight'] as readonly number[] | undefined;
    if (inFlight !== undefined) compareSet(inFlight, this.#calls.open(), 'in flight');
  }

  #restore(name: string): void {
    this.#calledBefore = this.#calls.calls.length;
    this.#answersAtOnce = this.#complete === 'neverBeforeRestoreImmediatelyAfter';
    this.#rig.restore(name);
  }

  /** In Flink a watermark that does not rise parts what may overtake each other, like any other. */
  #watermark(time: number): void {
    if (time <= this.#rig.watermark) this.#rig.advanceAgain(time);
    else this.#rig.signal({ kind: 'watermark', time });
  }

  #giveUp(x: number, result: (x: number) => number): readonly number[] {
    this.#timedOut += 1;
    return [result(x)];
  }

  #answer(x: number, results: unknown): void {
    this.#calls.answer(x, (results as readonly number[] | undefined) ?? [this.#result(x)]);
    this.#rig.note();
  }

  /** The last one first, because the order of answers must not matter where it is not said. */
  #answerAll(): void {
    for (let open = this.#calls.open(); open.length > 0; open = this.#calls.open())
      this.#answer(open.at(-1) as number, undefined);
    this.#answersAtOnce = true;
  }
}

/** `2*x`, `-x` or `x`. */
function formula(text: string): (x: number) => number {
  const match = /^(-|(\d+)\*)?x$/.exec(text);
  if (match === null) throw new Error(`a formula that this runner does not know: ${text}`);
  const factor = match[1] === '-' ? -1 : Number(match[2] ?? 1);
  return (x) => factor * x;
}

interface Element {
  readonly el: number;
  readonly ts: number;
  results: readonly number[];
}

/** The queue alone. Flink's capacity counts watermarks as well, ours is asked for its size. */
class QueueSubject implements Subject {
  readonly #queue: AsyncQueue<Element>;
  readonly #capacity: number;
  readonly #tickets = new Map<string, Ticket<Element>>();
  #accepted: boolean | undefined;
  #popped: Item[] = [];

  constructor(given: Fields) {
    this.#capacity = given['capacity'] as number;
    this.#queue = new AsyncQueue({
      ordered: given['mode'] === 'ordered',
      capacity: this.#capacity,
    });
  }

  step(step: Fields): void {
    if ('put' in step) this.#put(step['put'] as Fields, step['as'] as string);
    else if ('complete' in step) {
      const ticket = this.#tickets.get(step['complete'] as string);
      if (ticket === undefined) throw new Error('completed before it was put');
      ticket.entry.results = step['with'] as number[];
      this.#queue.finish(ticket);
    } else {
      this.#popped = [];
      for (let next = this.#queue.take(); next !== undefined; next = this.#queue.take())
        this.#popped.push(...itemsOf(next, ({ results }) => results));
    }
  }

  check(check: Check): void {
    if (check['accepted'] !== undefined)
      compareValue(check['accepted'], this.#accepted, 'accepted');
    if (check['size'] !== undefined) compareValue(check['size'], this.#queue.size, 'size');
    if (check['popped'] !== undefined) compareValue(check['popped'], this.#popped, 'popped');
    if (check['inputElements'] === undefined) return;
    const elements = [...this.#queue.places()].flatMap((place) => itemsOf(place, ({ el }) => [el]));
    compareValue(check['inputElements'], elements, 'input elements');
  }

  #put(put: Fields, name: string): void {
    this.#accepted = this.#queue.size < this.#capacity;
    if (!this.#accepted) return;
    if ('wm' in put) {
      this.#queue.watermark(put['wm'] as number);
      return;
    }
    this.#queue.put({ el: put['el'] as number, ts: put['ts'] as number, results: [] });
    const ticket = this.#queue.begin();
    if (ticket !== undefined) this.#tickets.set(name, ticket);
  }
}

function itemsOf(place: Place<Element>, valuesOf: (element: Element) => readonly number[]): Item[] {
  const { entry, time } = place;
  if (entry === undefined) return [{ wm: time }];
  return valuesOf(entry).map((v) => ({ v, ts: entry.ts }));
}
