/** The operator of `connect` over a broadcast stream: elements that read broadcast state, and those that write it. */
import { hasTimestamp } from '../core/flow.js';
import { TidemarkError } from '../core/errors.js';
import type { Operator, OperatorContext } from '../core/operator.js';
import {
  BroadcastCopy,
  type BroadcastDeclarations,
  type BroadcastHandles,
  type ReadonlyBroadcastHandles,
} from '../state/broadcast-state.js';
import type { StateDeclarations } from '../state/handles.js';
import type { OutputTag } from './data-stream.js';
import { KeyedProcess, type FiredTimer, type ProcessContext } from './process-context.js';
import { emittedList, refuseAsync, type Emitted } from './user-function.js';

/** What the functions of the keyed side are given. */
export interface BroadcastReadContext<
  K,
  State extends StateDeclarations,
  Shared extends BroadcastDeclarations,
> extends ProcessContext<K, State> {
  /** Broadcast state, to be read. Writing it here is BROADCAST_READ_ONLY. */
  readonly broadcastState: ReadonlyBroadcastHandles<Shared>;
}

/** What `second` is given, in each shard for itself. There is no key here, and so no state of keys and no timer. */
export interface BroadcastWriteContext<Shared extends BroadcastDeclarations> {
  /** Event time of the element in hand, ms; undefined where there is none. */
  readonly timestamp: number | undefined;
  /** The current input watermark, ms; -Infinity before the first. It may differ between shards. */
  readonly watermark: number;
  /** Processing time, epoch ms. */
  readonly now: number;
  /** Broadcast state, to be read and written. */
  readonly broadcastState: BroadcastHandles<Shared>;
  /** Sends to a side output that the step declares in `sides`. */
  side<T>(tag: OutputTag<T>, value: T): void;
  /** Has `eachKey` called for each key that holds state, once `second` has returned. */
  visitKeys(): void;
}

export interface ConnectBroadcastOptions<
  K,
  First,
  Second,
  State extends StateDeclarations,
  Shared extends BroadcastDeclarations,
  Out,
> {
  /** State and timers are found by it after a restart. */
  readonly uid: string;
  /** The states of a key, by name. Default: none. */
  readonly state?: State;
  /** Maps of which every shard holds a copy, by name, each declared by `mapState` without a TTL. Default: none. */
  readonly broadcastState?: Shared;
  /** Side outputs that `side` may send to. */
  readonly sides?: readonly OutputTag<unknown>[];
  /** For each element of the stream that `connect` stands on. */
  readonly first: (value: First, context: BroadcastReadContext<K, State, Shared>) => Emitted<Out>;
  /**
   * For each element of the broadcast stream, in every shard. It must do the same in all of them: what it writes may
   * depend on the element and on broadcast state alone. What it returns is emitted once, and not by every shard.
   */
  readonly second: (value: Second, context: BroadcastWriteContext<Shared>) => Emitted<Out>;
  /** For each key that holds state, where `second` has called `visitKeys`; `value` is what `second` was called with. */
  readonly eachKey?: (
    value: Second,
    context: BroadcastReadContext<K, State, Shared>,
  ) => Emitted<Out>;
  /** For each timer of a key. */
  readonly timer?: (
    timer: FiredTimer,
    context: BroadcastReadContext<K, State, Shared>,
  ) => Emitted<Out>;
}

type AnyOptions = ConnectBroadcastOptions<
  unknown,
  unknown,
  unknown,
  StateDeclarations,
  BroadcastDeclarations,
  unknown
>;

/** Refuses options that cannot work, before anything is piped. */
export function checkBroadcastOptions(options: AnyOptions, where: string): void {
  refuseAsync(options.first, `${where}.first`);
  refuseAsync(options.second, `${where}.second`);
  if (options.eachKey !== undefined) refuseAsync(options.eachKey, `${where}.eachKey`);
  if (options.timer !== undefined) refuseAsync(options.timer, `${where}.timer`);
  for (const [name, declared] of Object.entries(options.broadcastState ?? {})) {
    if (declared.kind === 'map' && declared.ttl === undefined) continue;
    throw new TidemarkError('OPTIONS_INVALID', {
      expected: 'mapState() without a TTL',
      got: declared.kind === 'map' ? 'mapState() with a TTL' : `a state of kind ${declared.kind}`,
      where: `broadcastState "${name}" of ${where}`,
      hint: 'All copies must stay equal, so entries go when the broadcast stream says so; keep a single value under a key of your own.',
    });
  }
}

export function broadcastOperator(context: OperatorContext, options: AnyOptions): Operator {
  const { broadcastState = {}, state = {}, first, timer } = options;
  const copy = new BroadcastCopy(context.replicatedState(), {
    names: Object.keys(broadcastState),
    isGuarded: context.isGuarded,
    where: `"${context.name}"`,
  });
  const keyed = new ReadingProcess(context, state, copy);
  const writing = new WritingSide(context, { options, copy, keyed });
  const cell = context.keyCell(0);
  const onTimer = timer ?? ((): void => undefined);
  return {
    element: keyed.elementOf(cell, first as never),
    second: (value, timestamp) => writing.element(value, timestamp),
    advance: (time, budget) => keyed.fire('event', time, budget, onTimer as never),
    tick: (now, budget) => keyed.fire('processing', now, budget, onTimer as never),
    nextTick: () => keyed.nextTick(),
  };
}

/** The keyed side: `process`, with broadcast state to be read. */
class ReadingProcess extends KeyedProcess<unknown, StateDeclarations> {
  readonly broadcastState: BroadcastCopy['handles'];

  constructor(context: OperatorContext, declarations: StateDeclarations, copy: BroadcastCopy) {
    super(context, declarations);
    this.broadcastState = copy.handles;
  }
}

interface WritingParts {
  readonly options: AnyOptions;
  readonly copy: BroadcastCopy;
  readonly keyed: ReadingProcess;
}

/** The broadcast side, in one shard. Its first shard speaks for all: it counts, and emits what `second` returns. */
class WritingSide {
  readonly #context: OperatorContext;
  readonly #parts: WritingParts;
  readonly #speaks: boolean;
  readonly broadcastState: BroadcastCopy['handles'];
  #timestamp = NaN;
  #visitsKeys = false;

  constructor(context: OperatorContext, parts: WritingParts) {
    this.#context = context;
    this.#parts = parts;
    this.#speaks = context.shard === 0;
    this.broadcastState = parts.copy.handles;
  }

  element(value: unknown, timestamp: number): void {
    const { counters, output } = this.#context;
    const { options, keyed } = this.#parts;
    if (this.#speaks) counters.received += 1;
    this.#timestamp = timestamp;
    this.#visitsKeys = false;
    const results = this.#call(value, options.second);
    if (this.#speaks) {
      counters.accepted += 1;
      for (const result of results) output.element(result, timestamp);
    }
    if (this.#visitsKeys && options.eachKey !== undefined)
      keyed.eachKey(value, timestamp, options.eachKey as never);
  }

  get timestamp(): number | undefined {
    return hasTimestamp(this.#timestamp) ? this.#timestamp : undefined;
  }

  get watermark(): number {
    return this.#context.watermark();
  }

  get now(): number {
    return this.#context.now();
  }

  // Bound, because users take a context apart.
  readonly side = <T>(tag: OutputTag<T>, value: T): void => {
    const receiver = this.#context.side(tag.id);
    if (this.#speaks) receiver.element(value, this.#timestamp);
  };

  readonly visitKeys = (): void => {
    this.#visitsKeys = true;
  };

  #call(value: unknown, second: AnyOptions['second']): readonly unknown[] {
    const { copy } = this.#parts;
    copy.isWritable = true;
    try {
      return emittedList(second(value, this), this.#context.name);
    } catch (cause) {
      return this.#context.fail(cause, { timestamp: this.timestamp });
    } finally {
      copy.isWritable = false;
    }
  }
}
