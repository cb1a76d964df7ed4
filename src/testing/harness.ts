/**
 * `testHarness`: a pipeline in virtual time, with checkpoints, restores and crashes at will (mode ii).
 *
 * It runs the operators that a subscription and a job run, and its checkpoints go through the codecs and slabs of a
 * durable job, so what passes here has been encoded and decoded for real.
 */
import { TidemarkError } from '../core/errors.js';
import { defaultMaxParallelism } from '../core/key-group.js';
import type { Key } from '../core/key.js';
import type { Counters, WatermarkGenerator } from '../core/operator.js';
import type { OutputTag } from '../dsl/data-stream.js';
import { ONLY_INPUT, ONLY_OUTPUT, type PipelineDefinition } from '../dsl/pipeline.js';
import type { LocalRun } from '../runtime/local-run.js';
import type { DeadRecord, LateRecord } from '../runtime/records.js';
import type { WhyReport } from '../runtime/why-report.js';
import { decodeValue, encodeValue } from '../state/value-codec.js';
import {
  HarnessEngine,
  SIDE_PREFIX,
  noEventTime,
  withSides,
  type EngineCut,
} from './harness-engine.js';
import { VirtualClock } from './virtual-clock.js';

/** An output element with its event time. */
export interface OutputRecord<T> {
  readonly value: T;
  /** ms; undefined where there is none. */
  readonly timestamp: number | undefined;
}

export interface HarnessOptions {
  /** Processing time at the start, epoch ms. Default 0. */
  readonly start?: number;
  /** Key groups; default 128. */
  readonly maxParallelism?: number;
  /** `collect` keeps failed records in `dead()`, as a job does; `throw` (the default) throws, as a subscription does. */
  readonly onFailure?: 'throw' | 'collect';
}

/** A cut that can be restored any number of times. */
export interface HarnessCheckpoint extends EngineCut {
  readonly actions: number;
  readonly outputs: number;
  readonly late: number;
  readonly dead: number;
  readonly now: number;
}

type Action = (run: LocalRun) => void;
type InputOption = { readonly input?: string };

export class TestHarness<Ins, Outs> {
  readonly #definition: PipelineDefinition<Ins, Outs>;
  readonly #clock: VirtualClock;
  readonly #engine: HarnessEngine;
  #emitted: { readonly output: string; readonly value: unknown; readonly timestamp: number }[] = [];
  #late: LateRecord[] = [];
  #dead: DeadRecord[] = [];
  /** Everything done to the pipeline so far: the replayable source of this mode. */
  #actions: Action[] = [];
  #last: HarnessCheckpoint;

  constructor(definition: PipelineDefinition<Ins, Outs>, options: HarnessOptions = {}) {
    this.#definition = definition;
    this.#clock = new VirtualClock(options.start ?? 0);
    this.#engine = new HarnessEngine({
      name: definition.name,
      outputs: withSides(definition),
      clock: this.#clock,
      maxParallelism: options.maxParallelism ?? defaultMaxParallelism(1),
      emit: (output, value, timestamp) => this.#emitted.push({ output, value, timestamp }),
      late: (late) => this.#late.push(late),
      ...(options.onFailure === 'collect'
        ? { dead: (dead: DeadRecord) => void this.#dead.push(dead) }
        : {}),
    });
    this.#last = this.#cut(this.#engine.present(undefined));
  }

  /** Sends elements into an input, one by one; needed only where a pipeline has several: `{ input: 'plays' }`. */
  push(value: Ins[keyof Ins], { input }: InputOption = {}): this {
    const index = this.#input(input);
    return this.#do((run) => run.next(index, value));
  }

  /** Sends several elements as one chunk, as a source of a job does. */
  pushChunk(values: readonly Ins[keyof Ins][], { input }: InputOption = {}): this {
    const index = this.#input(input);
    return this.#do((run) => run.nextChunk(index, values));
  }

  /** Forces the watermark of an input (of all, by default) up to `time`, epoch ms. Needs an `eventTime`. */
  watermark(time: number, { input }: InputOption = {}): this {
    if (this.#engine.run.task.wiring.generators().size === 0)
      throw noEventTime(this.#definition.name);
    return this.#eachGenerator(input, (generator, split) => generator.force(split, time));
  }

  /** Waits until nothing is in flight in an asyncMap. Rejects with what failed meanwhile. */
  async settled(): Promise<this> {
    await this.#engine.settled();
    return this;
  }

  /** Moves processing time on by `ms`; fires timers and idleness on the way. */
  advance(ms: number): this {
    return this.#do(() => this.#clock.moveTo(this.#clock.now() + ms));
  }

  /** Says that an input (all, by default) has nothing to say for now. */
  idle({ input }: InputOption = {}): this {
    return this.#eachGenerator(input, (generator, split) => generator.setIdle(split));
  }

  /** Ends an input (all, by default): the watermark goes to the end of time. */
  end({ input }: InputOption = {}): this {
    const only = input === undefined ? undefined : this.#input(input);
    return this.#do((run) => {
      for (const index of run.inputs.keys())
        if (only === undefined || only === index) run.signal(index, { kind: 'end' });
    });
  }

  /** All elements of an output so far. */
  output<Name extends keyof Outs & string>(
    name: Name | typeof ONLY_OUTPUT = ONLY_OUTPUT,
  ): Outs[Name][] {
    return this.records<Name>(name).map(({ value }) => value);
  }

  /** All elements of an output so far, with their timestamps. */
  records<Name extends keyof Outs & string>(
    name: Name | typeof ONLY_OUTPUT = ONLY_OUTPUT,
  ): OutputRecord<Outs[Name]>[] {
    return this.#recordsOf(name) as OutputRecord<Outs[Name]>[];
  }

  /** All elements sent to a side output, of whichever operators declare it. */
  side<T>(tag: OutputTag<T>): T[] {
    return this.#recordsOf(SIDE_PREFIX + tag.id).map(({ value }) => value as T);
  }

  /** Elements that came too late, named by their origin. */
  late(): readonly LateRecord[] {
    return this.#late;
  }

  /** Records that failed, with `onFailure: 'collect'`. */
  dead(): readonly DeadRecord[] {
    return this.#dead;
  }

  /** By uid or derived name, since the start or the last restore. */
  counters(): Readonly<Record<string, Counters>> {
    return Object.fromEntries(this.#engine.run.task.wiring.counters());
  }

  /** A copy of what an operator keeps for a key: states by name for `process`, panes for `window`. */
  state(uid: string, key: Key): unknown {
    const store = this.#engine.stores.get(uid);
    const slot = store?.find(key);
    if (store === undefined || slot === undefined) return undefined;
    const packed = decodeValue(encodeValue(store.spec.pack(slot.live)));
    return packed instanceof Map ? Object.fromEntries(packed as Map<string, unknown>) : packed;
  }

  /** How many keys have state, over all operators or in one. */
  stateSize(uid?: string): number {
    return this.#engine.storesOf(uid).reduce((sum, { size }) => sum + size, 0);
  }

  /** Pending timers of an operator, or of all. */
  timers(uid?: string): number {
    return this.#engine
      .storesOf(uid)
      .reduce((sum, store) => sum + store.eventTimers.size + store.processingTimers.size, 0);
  }

  /** Watermark of an operator as of its last advance, ms. */
  watermarkOf(uid: string): number | undefined {
    return this.#engine.run.task.wiring.watermarkOf(uid);
  }

  /** Why nothing comes out: what waits, for which watermark, and what holds it back. Prints as text. */
  why(): WhyReport {
    return this.#engine.why();
  }

  /** Takes a checkpoint: everything a job would commit at a barrier here. */
  checkpoint(): HarnessCheckpoint {
    this.#last = this.#cut(this.#engine.commit());
    return this.#last;
  }

  /** Goes back to a checkpoint (the last one by default), as if nothing after it had ever been pushed. */
  restore(checkpoint: HarnessCheckpoint = this.#last): this {
    this.#emitted = this.#emitted.slice(0, checkpoint.outputs);
    this.#late = this.#late.slice(0, checkpoint.late);
    this.#dead = this.#dead.slice(0, checkpoint.dead);
    this.#actions = this.#actions.slice(0, checkpoint.actions);
    this.#clock.reset(checkpoint.now);
    this.#engine.restore(checkpoint);
    this.#last = checkpoint;
    return this;
  }

  /** Loses everything since the last checkpoint, restores that, and replays what was done since: a crash of a job. */
  crash(): this {
    const replayed = this.#actions.slice(this.#last.actions);
    this.restore();
    for (const action of replayed) this.#do(action);
    return this;
  }

  #do(action: Action): this {
    this.#actions.push(action);
    action(this.#engine.run);
    return this;
  }

  #recordsOf(name: string): OutputRecord<unknown>[] {
    return this.#emitted
      .filter(({ output }) => output === name)
      .map(({ value, timestamp }) => ({
        value,
        timestamp: Number.isNaN(timestamp) ? undefined : timestamp,
      }));
  }

  #cut(cut: EngineCut): HarnessCheckpoint {
    return {
      ...cut,
      actions: this.#actions.length,
      outputs: this.#emitted.length,
      late: this.#late.length,
      dead: this.#dead.length,
      now: this.#clock.now(),
    };
  }

  /** Numbers and generators of the inputs that an action is about: one, or all. */
  #eachGenerator(
    input: string | undefined,
    act: (generator: WatermarkGenerator, split: number) => void,
  ): this {
    const only = input === undefined ? undefined : this.#input(input);
    return this.#do((run) =>
      run.between(() => {
        for (const [split, wired] of run.task.wiring.inputs.entries())
          if (only === undefined || only === split)
            for (const { generator } of wired.generators)
              if (generator !== undefined) act(generator, split);
      }),
    );
  }

  #input(name: string | undefined): number {
    const names = this.#engine.run.inputs.map((node) => node.name);
    const index = name === undefined && names.length === 1 ? 0 : names.indexOf(name ?? ONLY_INPUT);
    if (index >= 0) return index;
    throw new TidemarkError('OPTIONS_INVALID', {
      expected: `one of the inputs ${names.join(', ')}`,
      got: name ?? 'none',
      where: 'testHarness',
      hint: "Say { input: '...' } where a pipeline has several inputs.",
    });
  }
}

/**
 * Runs a pipeline in a test: virtual time, and crashes at will.
 *
 * @example
 * import { count, eventTime, keyBy, pipeline, tumbling, unchecked, window } from 'tidemark';
 * import { testHarness } from 'tidemark/testing';
 * const plays = pipeline('plays', unchecked<{ song: string; at: number }>(), (play$) =>
 *   play$.pipe(
 *     eventTime({ timestamp: (play) => play.at }),
 *     keyBy((play) => play.song),
 *     window(tumbling({ size: '1m' }), count(), { uid: 'per-minute' }),
 *   ),
 * );
 * const t = testHarness(plays);
 * t.push({ song: 'a', at: 1 });
 * t.checkpoint();
 * t.push({ song: 'a', at: 2 });
 * t.crash(); // Back to the checkpoint; what was pushed since is replayed.
 * t.watermark(60_000);
 * console.log(t.output().map((result) => result.value)); // => [ 2 ]
 * t.end();
 * console.log(t.stateSize()); // => 0
 */
export function testHarness<Ins, Outs>(
  definition: PipelineDefinition<Ins, Outs>,
  options: HarnessOptions = {},
): TestHarness<Ins, Outs> {
  return new TestHarness(definition, options);
}
