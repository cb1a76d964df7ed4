/**
 * A graph running here as one task, fed an element at a time: what a subscription and the test harness stand on.
 *
 * `next` runs through to the outputs before it returns. A `next` from inside a step is queued, first in, first out,
 * with a bound; it is taken once the step that caused it has finished.
 */
import type { Clock } from '../core/clock.js';
import { TidemarkError } from '../core/errors.js';
import { NO_TIMESTAMP, type Chunk, type Flow } from '../core/flow.js';
import { defaultMaxParallelism } from '../core/key-group.js';
import type { InputNode, Outputs } from '../core/graph.js';
import type { BeyondCapacity } from '../core/in-hand.js';
import type { KeyedState, KeyedStateSpec } from '../core/operator.js';
import { KeyedStore } from '../state/slots.js';
import { FlowQueue } from './channel.js';
import { checkIdleness, idleIn } from './local-idleness.js';
import { planOf, type Plan } from './plan.js';
import type { DeadRecord, LateRecord } from './records.js';
import { Task } from './task.js';
import type { TaskHost, TaskInput, TaskSink, TaskSpec } from './task-spec.js';

const REENTRY_ELEMENTS_MAX = 65_536;
/** How many of them are taken before their places are given back. */
const WAITING_TAKEN_MAX = 1024;

export interface LocalRunOptions {
  readonly outputs: Outputs;
  readonly clock: Clock;
  /** Called with each element of an output. */
  readonly emit: (output: string, value: unknown, timestamp: number) => void;
  readonly late?: (record: LateRecord) => void;
  /** What to do with a record that failed; the default throws. */
  readonly dead?: (record: DeadRecord, cause: unknown) => void;
  /** Keyed state by uid; the default is plain memory. */
  readonly stateOf?: (uid: string, spec: KeyedStateSpec) => KeyedState<object>;
  readonly maxParallelism?: number;
  /** Freeze what is given out or shared; for tests. Default false. */
  readonly isGuarded?: boolean;
  readonly restoredMarks?: TaskSpec['restoredMarks'];
  /** What becomes of elements that an asynchronous step has no capacity for. Default `keep`. */
  readonly beyondCapacity?: BeyondCapacity;
  /** Called when a timer of the clock or an answer from outside failed: there is no caller to throw to. */
  readonly failed: (error: unknown) => void;
}

export class LocalRun {
  readonly plan: Plan;
  readonly task: Task;
  /** The roots of the graph, in order. */
  readonly inputs: readonly InputNode[];
  readonly #options: LocalRunOptions;
  readonly #clock: Clock;
  readonly #positions: number[];
  readonly #lastAt: number[];
  readonly #waiting: (() => void)[] = [];
  readonly #watchesIdleness: boolean;
  #isBusy = true;
  #isClosed = false;
  #onEnded: (() => void) | undefined;
  #cancelTimer: (() => void) | undefined;
  #timerAt = Infinity;

  constructor(options: LocalRunOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.plan = planOf(options.outputs, 1);
    const [stage] = this.plan.stages;
    if (stage === undefined) throw new Error('Tidemark bug: a plan without a stage');
    this.inputs = stage.nodes.filter((node) => node.kind === 'input');
    this.#positions = this.inputs.map(() => 0);
    this.#lastAt = this.inputs.map(() => options.clock.now());
    const inputs = this.inputs.map((node): TaskInput => ({
      kind: 'split',
      node,
      queue: new FlowQueue(),
      origin: { name: node.name, unit: 'element' },
    }));
    const spec: TaskSpec = {
      name: 'all',
      plan: this.plan,
      stage,
      shard: 0,
      maxParallelism: options.maxParallelism ?? defaultMaxParallelism(1),
      inputs,
      shuffles: [],
      sinks: new Map(Object.keys(options.outputs).map((name) => [name, this.#sink(name)])),
      host: this.#host(),
      pressure: { isFull: false },
      restoredMarks: options.restoredMarks,
    };
    this.task = new Task(spec, { sliced: false, align: true });
    this.#watchesIdleness = idleIn(this.task, this.#lastAt, Infinity) !== Infinity;
    // What comes back from a checkpoint does not move before its splits are back too: none would be known to be idle.
    if (options.restoredMarks === undefined) this.task.settle();
    this.#isBusy = false;
    // A split that gets nothing at all becomes idle too, and what was restored may have timers.
    this.#arm();
  }

  /** Takes an element in, or queues it when it comes from inside a step. */
  next(input: number, value: unknown, timestamp = NO_TIMESTAMP): void {
    // As `#enter` does it, but without a function for each element.
    if (this.#isBusy || this.#isClosed) {
      this.#enter(() => this.#next(input, value, timestamp));
      return;
    }
    this.#isBusy = true;
    try {
      this.#next(input, value, timestamp);
      if (this.#waiting.length > 0) this.#takeWaiting();
    } finally {
      this.#isBusy = false;
      if (this.#waiting.length > 0) this.#waiting.length = 0;
    }
    this.#arm();
  }

  /** Takes several elements in as one chunk, the way a task of a job does. */
  nextChunk(input: number, values: readonly unknown[]): void {
    this.#enter(() => {
      const before = this.#positions[input] ?? 0;
      this.#positions[input] = before + values.length;
      this.#lastAt[input] = this.#clock.now();
      this.task.spec.inputs[input]?.queue.push({
        kind: 'chunk',
        values,
        timestamps: values.map(() => NO_TIMESTAMP),
        keys: [],
        positions: [],
        firstPosition: before + 1,
        derivedKeys: [],
        origin: { name: this.inputs[input]?.name ?? '', unit: 'element' },
      });
      while (this.task.step());
    });
  }

  signal(input: number, signal: Exclude<Flow, Chunk>): void {
    this.#enter(() => this.task.signal(input, signal));
  }

  /** Ends an input, behind everything that was pushed before, and then calls back. */
  end(input: number, then: () => void): void {
    this.#enter(() => {
      this.task.signal(input, { kind: 'end' });
      then();
    });
  }

  /** Calls back once all inputs have ended and nothing is in flight any more. */
  whenEnded(then: () => void): void {
    if (this.task.hasEnded) then();
    else this.#onEnded = then;
  }

  /** Does something to the task between two elements, and finishes the walk that it asked for. */
  between(change: () => void): void {
    this.#enter(() => {
      change();
      this.task.requestWalk();
      this.task.settle();
    });
  }

  /** Fires what the clock says is due: processing-time timers and idleness. */
  tick(): void {
    this.#enter(() => {
      const now = this.#clock.now();
      this.task.tick(now);
      checkIdleness(this.task, this.#lastAt, now);
      this.task.settle();
    });
  }

  get position(): readonly number[] {
    return this.#positions;
  }

  restorePositions(positions: readonly number[]): void {
    for (const [input, position] of positions.entries()) this.#positions[input] = position;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelTimer?.();
    this.task.wiring.close();
  }

  #enter(work: () => void): void {
    if (this.#isClosed) return;
    if (this.#isBusy) {
      if (this.#waiting.length >= REENTRY_ELEMENTS_MAX) throw reentryOverflow();
      this.#waiting.push(work);
      return;
    }
    this.#isBusy = true;
    try {
      work();
      this.#takeWaiting();
    } finally {
      this.#isBusy = false;
      this.#waiting.length = 0;
    }
    this.#arm();
    if (this.task.hasEnded) this.#onEnded?.();
  }

  /** An answer from outside has arrived. Inside of a step it is taken at its end. */
  #arrived(): void {
    if (this.#isBusy || this.#isClosed) return;
    try {
      this.#enter(() => this.task.settle());
    } catch (error) {
      this.#options.failed(error);
    }
  }

  #next(input: number, value: unknown, timestamp: number): void {
    const position = (this.#positions[input] as number) + 1;
    this.#positions[input] = position;
    if (this.#watchesIdleness) this.#lastAt[input] = this.#clock.now();
    this.task.wiring.setSplit(input);
    this.task.push(input, value, timestamp, position);
  }

  #takeWaiting(): void {
    // By index, and cut off at the end: to shift each one would move all the others.
    for (let at = 0; at < this.#waiting.length && !this.#isClosed; at += 1) {
      this.#waiting[at]?.();
      if (at < WAITING_TAKEN_MAX) continue;
      this.#waiting.splice(0, at + 1);
      at = -1;
    }
    this.#waiting.length = 0;
  }

  /** One timer of the clock for the whole task, at whatever comes first. */
  #arm(): void {
    if (this.#isClosed) return;
    const tick = this.task.nextTick();
    // The clock is not read where nothing goes by it.
    if (tick === Infinity && this.#timerAt === Infinity && !this.#watchesIdleness) return;
    const now = this.#clock.now();
    const at = Math.min(tick, now + idleIn(this.task, this.#lastAt, now));
    if (at === this.#timerAt) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#timerAt = at;
    if (at === Infinity) return;
    this.#cancelTimer = this.#clock.setTimer(at, () => {
      this.#timerAt = Infinity;
      try {
        this.tick();
      } catch (error) {
        this.#options.failed(error);
      }
    });
  }

  #sink(name: string): TaskSink {
    const { emit } = this.#options;
    return {
      isFull: false,
      element: (value, timestamp) => emit(name, value, timestamp),
      barrier: () => undefined,
      end: () => undefined,
    };
  }

  #host(): TaskHost {
    const { late, dead, stateOf, clock } = this.#options;
    const maxParallelism = this.#options.maxParallelism ?? defaultMaxParallelism(1);
    return {
      isGuarded: this.#options.isGuarded ?? false,
      now: () => clock.now(),
      stateOf:
        stateOf ?? ((name, spec) => new KeyedStore({ spec, maxParallelism, durable: false, name })),
      late: late ?? (() => undefined),
      dead(record, _value, cause) {
        if (dead === undefined) throw cause;
        dead(record, cause);
      },
      frozen: () => undefined,
      arrived: () => this.#arrived(),
      beyondCapacity: this.#options.beyondCapacity ?? 'keep',
    };
  }
}

function reentryOverflow(): TidemarkError {
  return new TidemarkError('REENTRY_OVERFLOW', {
    expected: `at most ${REENTRY_ELEMENTS_MAX} elements pushed from inside a step`,
    got: 'one more',
    where: 'the re-entry queue of a subscription',
    hint: 'A pipeline that feeds its own input must come to an end; break the loop with a condition or a delay.',
  });
}
