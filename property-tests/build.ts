/** Makes a Tidemark pipeline of a description, through the public surface and nothing else. */
import {
  dedupe,
  defineWatermarks,
  eventTime,
  filter,
  flatMap,
  keyBy,
  map,
  monotone,
  outputTag,
  pipeline,
  reduce,
  rx,
  topK,
  unchecked,
  union,
  window,
} from 'tidemark';
import type { DataStream, Key, Pipeline, PipelineDefinition, Watermarks } from 'tidemark';
import * as rxjs from 'rxjs';
import { asynchronous, atOnce, type Answering } from './async-step.js';
import { connected } from './build-connect.js';
import { processed, type Processed, type TimerWatch } from './build-process.js';
import { itemOf, windowed, type BareResult, type WindowVerb } from './build-window.js';
import {
  copies,
  inputNames,
  isKept,
  isRanked,
  joinIndex,
  keyChoice,
  mapped,
  mergedIds,
  plain,
  rankNames,
  sideOf,
  summed,
  uidOfStep,
  whole,
  type DedupeStep,
  type Description,
  type Item,
  type StatefulStep,
  type StatelessStep,
  type Step,
  type TimeChoice,
  type TopKStep,
} from './description.js';
import { saidBehind } from './oracle-stream.js';

type Items = DataStream<Item>;
export type TwoInputs = PipelineDefinition<
  { readonly first: Item; readonly second: Item },
  { readonly output: Item }
>;

export interface BuildOptions {
  /** What windows are made with. Default: `window`. */
  readonly verb?: WindowVerb;
  /** Sees each timer that is set, deleted or fired. */
  readonly watch?: TimerWatch;
  /** Answers the calls of asynchronous steps. Default: at once. */
  readonly answering?: Answering;
  /** Overrules how many of them may be in flight. */
  readonly capacity?: number;
}

/** The pipeline of a description with one input, also an RxJS operator. */
export function build(description: Description, options: BuildOptions = {}): Pipeline<Item, Item> {
  return pipeline('described', unchecked<Item>(), (items) =>
    new Builder(description, options).chain(withTime(items, description), undefined),
  );
}

/** The pipeline of a description with two inputs. */
export function buildTwo(description: Description, options: BuildOptions = {}): TwoInputs {
  const types = { first: unchecked<Item>(), second: unchecked<Item>() };
  return pipeline('described', types, (inputs) => {
    const [first, second] = inputNames.map((name) => withTime(inputs[name], description));
    return new Builder(description, options).chain(first as Items, second);
  });
}

/** Either, for what takes any definition. */
export function buildAny(
  description: Description,
  options: BuildOptions = {},
): PipelineDefinition<Readonly<Record<string, Item>>, { readonly output: Item }> {
  return description.inputs === 1 ? build(description, options) : buildTwo(description, options);
}

export function withTime(
  items: Items,
  { time, maxFuture }: Pick<Description, 'time' | 'maxFuture'>,
): Items {
  return items.pipe(
    eventTime({
      timestamp: ({ at, fault }: Item) => (fault === 'timestamp' ? Number.NaN : at),
      allowNegative: true,
      ...(time.generator === 'bounded'
        ? { outOfOrderness: time.bound, every: time.every }
        : { watermarks: generatorOf(time) }),
      ...(maxFuture === undefined
        ? {}
        : { maxFuture, appended: ({ at, ahead = 0 }: Item) => at - ahead }),
    }),
  );
}

function generatorOf(time: TimeChoice): Watermarks<Item> {
  if (time.generator === 'monotone') return monotone();
  const isPeriodic = time.generator === 'periodic';
  return defineWatermarks<Item, { highest: number }>({
    create: () => ({ highest: -Infinity }),
    element(item: Item, timestamp, state) {
      state.highest = Math.max(state.highest, timestamp);
      return isPeriodic ? undefined : saidBehind(time, item, state.highest);
    },
    ...(isPeriodic
      ? { interval: time.every, periodic: ({ highest }) => highest - time.bound - 1 }
      : {}),
  });
}

const dedupeTag = outputTag<Item>('late');

class Builder {
  readonly #description: Description;
  readonly #options: BuildOptions;
  readonly #sides: Items[] = [];

  constructor(description: Description, options: BuildOptions) {
    this.#description = description;
    this.#options = options;
  }

  chain(first: Items, second: Items | undefined): Items {
    const { steps, sides } = this.#description;
    const join = joinIndex(this.#description);
    let bare: DataStream<BareResult> | undefined;
    const output = steps.reduce<Items>((items, step, index) => {
      const uid = uidOfStep(index);
      if (step.step === 'topK') {
        const results = bare;
        bare = undefined;
        return results === undefined ? ranked(items, step, uid) : rankedResults(results, step, uid);
      }
      if (step.step !== 'window') return this.#added(items, step, index, join, second);
      const { verb = window } = this.#options;
      const made = windowed(items, step, uid, verb);
      this.#aside(made.late, sideOf(uid, 'late'));
      this.#aside(made.side, sideOf(uid, 'side'));
      if (!isRanked(this.#description, index)) return made.items;
      bare = made.bare;
      return items;
    }, first);
    return sides ? this.#sides.reduce((all, side) => all.pipe(union(side)), output) : output;
  }

  #added(
    items: Items,
    step: Exclude<Step, { step: 'window' | 'topK' }>,
    index: number,
    join: number,
    second: Items | undefined,
  ): Items {
    const uid = uidOfStep(index);
    switch (step.step) {
      case 'map':
      case 'filter':
      case 'flatMap':
      case 'rx':
        return stateless(items, step);
      case 'union': {
        const start = index === join && second !== undefined ? second : items;
        return items.pipe(union(step.branch.reduce(stateless, start)));
      }
      default:
        return this.#stateful(items, step, uid, index === join ? second : undefined);
    }
  }

  #stateful(
    items: Items,
    step: Exclude<StatefulStep, { step: 'window' | 'topK' }>,
    uid: string,
    second: Items | undefined,
  ): Items {
    const { watch, answering = atOnce, capacity } = this.#options;
    switch (step.step) {
      case 'asyncMap':
        return asynchronous(
          items,
          { ...step, capacity: capacity ?? step.capacity },
          uid,
          answering,
        );
      case 'process':
        return this.#parted(processed(items, step, uid, watch), uid);
      case 'connect':
        return this.#parted(connected(items, step, uid, { input: second, watch }), uid);
      case 'reduce':
        return items.pipe(keyBy<Item, Key>(keyChoice(step.by)), reduce(summed, { uid }));
      case 'dedupe':
        return this.#deduped(items, step, uid);
    }
  }

  #parted({ items, side }: Processed, uid: string): Items {
    this.#aside(side, sideOf(uid, 'side'));
    return items;
  }

  #deduped(items: Items, { by, within, keep, isPlain }: DedupeStep, uid: string): Items {
    const kept = items.pipe(dedupe({ uid, by: keyChoice(by), within, keep, late: dedupeTag }));
    this.#aside(kept.side(dedupeTag), sideOf(uid, 'late'));
    return isPlain ? kept.pipe(map((item) => plain(by, item))) : kept;
  }

  #aside(items: Items | undefined, side: string): void {
    if (items !== undefined) this.#sides.push(items.pipe(map((item) => ({ ...item, side }))));
  }
}

function stateless(items: Items, step: StatelessStep): Items {
  switch (step.step) {
    case 'map':
      return items.pipe(map((item) => mapped(step, item)));
    case 'filter':
      return items.pipe(filter((item) => isKept(step, item)));
    case 'flatMap':
      return items.pipe(flatMap((item) => copies(step, item)));
    case 'rx':
      return items.pipe(
        rx(
          rxjs.filter((item: Item) => isKept(step, item)),
          rxjs.map((item) => mapped(step, item)),
        ),
      );
  }
}

function ranked(items: Items, { k, name }: TopKStep, uid: string): Items {
  const key = rankNames[name];
  return items.pipe(
    topK(k, { uid, by: ({ n }) => n, per: ({ at }) => at, key }),
    map(({ per, top }) => rankedItem(per, top)),
  );
}

/** The same on the results of a window as they are, which topK knows to be final, or how long they are not. */
function rankedResults(results: DataStream<BareResult>, { k, name }: TopKStep, uid: string): Items {
  return results.pipe(
    topK(k, {
      uid,
      by: ({ value }) => value.n,
      per: (result) => result.window.end - 1,
      key: (result) => rankNames[name](itemOf(result)),
    }),
    map(({ per, top }) => rankedItem(per, top.map(itemOf))),
  );
}

function rankedItem(at: number, top: readonly Item[]): Item {
  const n = whole(top.reduce((total, item) => total + item.n, 0));
  return { key: at, n, at, ids: mergedIds(top), top };
}
