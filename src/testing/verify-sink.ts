/**
 * `verifySink`: leads a sink through three epochs as a job does, crashes it behind every single step, recovers it in a
 * new incarnation, and looks at what is visible in the end.
 *
 *     recover ─ open ─ write ─ write ─ prepare ─ (commit) ─ publish ─ write …
 *            ↑      ↑       ↑       ↑         ↑          ↑         ↑       each of these is a crash of its own
 *
 * What a sink prepares goes through the codec of the state, as in a commit. A crash means that nothing of the sink is
 * called any more, not even `close`; then `crash` of the case is called, which may lose what was not synced.
 */
import { nodeRuntime } from '../connectors/node-runtime.js';
import type { Guarantee, Prepared, Sink, SinkWriter } from '../core/connector.js';
import { TidemarkError, show } from '../core/errors.js';
import type { Runtime } from '../core/runtime.js';
import { decodeValue, encodeValue } from '../state/value-codec.js';

/** An outside system of its own, made for one schedule of crashes. */
export interface SinkCase<T> {
  /** The sink as a new process makes it. Called once per incarnation. */
  sink(): Sink<T> | Promise<Sink<T>>;
  /** What a reader sees now, in any order. */
  visible(): readonly unknown[] | Promise<readonly unknown[]>;
  /** Where the sink works. Default `nodeRuntime()`. */
  readonly runtime?: Runtime;
  /** The process has died. */
  crash?(): void | Promise<void>;
  cleanUp?(): void | Promise<void>;
}

export interface VerifySinkOptions<T> {
  /** At least 6 values; they are dealt out over three epochs and two writers. */
  readonly values: readonly T[];
  /** What a reader sees in the end. Default: the values. */
  readonly expect?: readonly unknown[];
}

/** What was tried. */
export interface VerifiedSink {
  readonly schedules: number;
  readonly guarantee: Guarantee;
}

const EPOCHS = 3;
const WRITERS = 2;
const VALUES_MIN = EPOCHS * WRITERS;

/** The part of a job that survives. */
interface Committed {
  readonly epoch: number;
  readonly prepared: readonly Prepared[];
}

class Crash extends Error {}

/**
 * Verifies the contract of a sink, in an at-least-once job and, unless it is an at-least-once sink, in an exactly-once
 * one.
 *
 * - At least once: in the end every value is visible, and none that was not written.
 * - Exactly once: each value is visible once, over a crash behind each step and another one in the recovery. Of a
 *   transactional or two-phase sink nothing is visible before its epoch is committed, and all of it when it is published.
 * - To publish again what was published changes nothing. A writer that was given nothing can prepare.
 *
 * @example
 * import { collect } from 'tidemark';
 * import { verifySink } from 'tidemark/testing';
 * const verified = await verifySink(
 *   () => {
 *     const sink = collect<number>({ uid: 'out' });
 *     return { sink: () => sink, visible: () => sink.values };
 *   },
 *   { values: [1, 2, 3, 4, 5, 6] },
 * );
 * console.log(verified.map(({ guarantee }) => guarantee).join());
 * // => at-least-once,exactly-once
 *
 * @throws TidemarkError CASE_FAILED naming the step behind which the crash was; OPTIONS_INVALID; what the sink reports
 */
export async function verifySink<T>(
  make: () => SinkCase<T> | Promise<SinkCase<T>>,
  options: VerifySinkOptions<T>,
): Promise<readonly VerifiedSink[]> {
  if (options.values.length < VALUES_MIN)
    throw new TidemarkError('OPTIONS_INVALID', {
      expected: `at least ${VALUES_MIN} values`,
      got: `${options.values.length}`,
      where: 'verifySink()',
      hint: 'Each of the three epochs and two writers needs one.',
    });
  const first = await make();
  const { guarantee: strength } = await first.sink();
  await first.cleanUp?.();
  const guarantees: readonly Guarantee[] =
    strength === 'at-least-once' ? ['at-least-once'] : ['at-least-once', 'exactly-once'];
  const verified: VerifiedSink[] = [];
  for (const guarantee of guarantees) {
    let schedules = 0;
    for (let crashAt = 1; ; crashAt += 1) {
      const isOver = !(await runSchedule({ make, options, guarantee, crashes: [crashAt] }));
      schedules += 1;
      if (isOver) break;
      // The same, and again behind the recovery that follows.
      await runSchedule({ make, options, guarantee, crashes: [crashAt, 1] });
      schedules += 1;
    }
    verified.push({ schedules, guarantee });
  }
  return verified;
}

interface Schedule<T> {
  readonly make: () => SinkCase<T> | Promise<SinkCase<T>>;
  readonly options: VerifySinkOptions<T>;
  readonly guarantee: Guarantee;
  /** For each incarnation the step behind which it dies; the one behind the last runs to its end. */
  readonly crashes: readonly number[];
}

/** Returns whether the first crash was met: else the case has no more steps. */
async function runSchedule<T>(schedule: Schedule<T>): Promise<boolean> {
  const outside = await schedule.make();
  const steps: string[] = [];
  let committed: Committed = { epoch: 0, prepared: [] };
  try {
    for (const crashAt of [...schedule.crashes, Infinity]) {
      const incarnation = new Incarnation(outside, schedule, { crashAt, committed });
      const hasCrashed = await incarnation.run();
      committed = incarnation.committed;
      if (!hasCrashed) break;
      steps.push(incarnation.step);
      await outside.crash?.();
    }
    const where = `${schedule.guarantee}, crash behind ${steps.join(' and ') || 'nothing'}`;
    checkEnd(await outside.visible(), schedule, where);
    return steps.length > 0;
  } finally {
    await outside.cleanUp?.();
  }
}

/** One life of the sink: the steps of a job, one of which may be the last. */
class Incarnation<T> {
  committed: Committed;
  step = '';
  readonly #outside: SinkCase<T>;
  readonly #schedule: Schedule<T>;
  readonly #crashAt: number;
  #steps = 0;

  constructor(
    outside: SinkCase<T>,
    schedule: Schedule<T>,
    { crashAt, committed }: { readonly crashAt: number; readonly committed: Committed },
  ) {
    this.#outside = outside;
    this.#schedule = schedule;
    this.#crashAt = crashAt;
    this.committed = committed;
  }

  /** Returns whether it has crashed. */
  async run(): Promise<boolean> {
    try {
      await this.#live();
      return false;
    } catch (error) {
      if (error instanceof Crash) return true;
      throw error;
    }
  }

  async #live(): Promise<void> {
    const { guarantee } = this.#schedule;
    const { runtime = nodeRuntime() } = this.#outside;
    const sink = (await this.#outside.sink()) as Sink<unknown>;
    const shared = { job: 'verify-sink', uid: sink.uid, guarantee };
    const { epoch, prepared } = this.committed;
    await sink.recover(prepared, { ...shared, epoch }, runtime);
    this.#did('recover');
    const writers: SinkWriter[] = [];
    for (let instance = 0; instance < WRITERS; instance += 1)
      writers.push(await sink.open({ ...shared, instance }, runtime));
    this.#did('open');
    for (let next = epoch + 1; next <= EPOCHS; next += 1) await this.#epoch(next, sink, writers);
    for (const writer of writers) await writer.close();
  }

  async #epoch(epoch: number, sink: Sink<unknown>, writers: readonly SinkWriter[]): Promise<void> {
    for (const [instance, writer] of writers.entries()) {
      const values = shareOf(this.#schedule.options.values, epoch, instance);
      const half = Math.ceil(values.length / 2);
      for (const part of [values.slice(0, half), values.slice(half)]) {
        if (part.length > 0)
          await writer.write(
            part,
            Float64Array.from(part, () => epoch),
          );
        this.#did(`a write of writer ${instance} in epoch ${epoch}`);
      }
    }
    const prepared: Prepared[] = [];
    for (const [instance, writer] of writers.entries()) {
      prepared.push(stored(await writer.prepare(epoch)));
      this.#did(`prepare of writer ${instance} in epoch ${epoch}`);
    }
    await this.#checkHidden(sink, epoch);
    this.committed = { epoch, prepared: prepared.filter((left) => left !== undefined) };
    this.#did(`the commit of epoch ${epoch}`);
    for (const [instance, writer] of writers.entries()) {
      await writer.publish(prepared[instance]);
      this.#did(`publish of writer ${instance} in epoch ${epoch}`);
    }
    const before = (await this.#outside.visible()).length;
    for (const [instance, writer] of writers.entries()) await writer.publish(prepared[instance]);
    const after = (await this.#outside.visible()).length;
    if (after !== before)
      throw failed(`epoch ${epoch}`, 'nothing new from publishing twice', `${after - before} more`);
  }

  async #checkHidden({ guarantee }: Sink<unknown>, epoch: number): Promise<void> {
    const isStaged = guarantee === 'transactional' || guarantee === 'two-phase';
    if (!isStaged || this.#schedule.guarantee !== 'exactly-once') return;
    const { values } = this.#schedule.options;
    const hidden = new Set(
      [0, 1].flatMap((instance) => shareOf(values, epoch, instance)).map((value) => nameOf(value)),
    );
    const seen = (await this.#outside.visible()).find((value) => hidden.has(nameOf(value)));
    if (seen === undefined) return;
    throw failed(`epoch ${epoch}, prepared`, 'nothing of it visible before its commit', show(seen));
  }

  #did(step: string): void {
    this.step = step;
    this.#steps += 1;
    if (this.#steps === this.#crashAt) throw new Crash(step);
  }
}

/** Writer 1 gets nothing in the second epoch, so that preparing nothing is tried too. */
function shareOf<T>(values: readonly T[], epoch: number, instance: number): readonly T[] {
  return values.filter((_, index) => {
    const of = (index % EPOCHS) + 1;
    const writer = of === 2 ? 0 : Math.floor(index / EPOCHS) % WRITERS;
    return of === epoch && writer === instance;
  });
}

function checkEnd<T>(
  visible: readonly unknown[],
  { options, guarantee }: Schedule<T>,
  where: string,
): void {
  const left = new Map<string, number>();
  const wanted: readonly unknown[] = options.expect ?? options.values;
  for (const value of wanted) left.set(nameOf(value), (left.get(nameOf(value)) ?? 0) + 1);
  for (const value of visible) {
    const count = left.get(nameOf(value));
    if (count === undefined || (count === 0 && guarantee === 'exactly-once'))
      throw failed(
        where,
        count === undefined ? 'only what was written' : 'each value once',
        `${show(value)}${count === 0 ? ' again' : ''}`,
      );
    left.set(nameOf(value), Math.max(0, count - 1));
  }
  const missing = wanted.find((value) => (left.get(nameOf(value)) ?? 0) > 0);
  if ([...left.values()].some((count) => count > 0))
    throw failed(where, `${show(missing)} to be visible`, 'an output without it');
}

/** Equal for equal values. */
function nameOf(value: unknown): string {
  return Buffer.from(encodeValue(value)).toString('latin1');
}

function stored(prepared: Prepared): Prepared {
  try {
    return decodeValue(encodeValue(prepared));
  } catch (cause) {
    throw failed('prepare', 'something that a commit can hold', show(cause));
  }
}

function failed(where: string, expected: string, got: string): TidemarkError {
  return new TidemarkError('CASE_FAILED', {
    expected,
    got,
    where: `verifySink, ${where}`,
    hint: 'See the steps in the contract of Sink: what is safe, what is visible, and what a recovery must finish or remove.',
  });
}
