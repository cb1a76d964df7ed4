/** Makes a Tidemark pipeline of a description, through the public surface and nothing else. */
import {
  connect,
  count,
  eventTime,
  filter,
  flatMap,
  keyBy,
  map,
  mapState,
  max,
  min,
  outputTag,
  pipeline,
  process,
  sliding,
  sum,
  topK,
  tumbling,
  unchecked,
  union,
  valueState,
  window,
} from 'tidemark';
import type {
  Aggregator,
  DataStream,
  Key,
  Pipeline,
  PipelineDefinition,
  ProcessContext,
} from 'tidemark';
import { handlersOf, type Scratch } from './behaviours.js';
import {
  copies,
  inputNames,
  isKept,
  isOdd,
  joinIndex,
  keyChoices,
  mapped,
  mergedIds,
  rankNames,
  uidOfStep,
  type Aggregate,
  type ConnectStep,
  type Description,
  type Item,
  type ProcessStep,
  type StatelessStep,
  type Step,
  type TopKStep,
  type WindowShape,
  type WindowStep,
} from './description.js';

type Items = DataStream<Item>;
/** What an aggregate gives: its number, and what it still knows of its elements. */
type Gathered = Pick<Item, 'n' | 'ids'>;

export type TwoInputs = PipelineDefinition<
  { readonly first: Item; readonly second: Item },
  { readonly output: Item }
>;

/** The pipeline of a description with one input, also an RxJS operator. */
export function build(description: Description): Pipeline<Item, Item> {
  return pipeline('described', unchecked<Item>(), (items) =>
    chain(withTime(items, description), undefined, description),
  );
}

/** The pipeline of a description with two inputs. */
export function buildTwo(description: Description): TwoInputs {
  const types = { first: unchecked<Item>(), second: unchecked<Item>() };
  return pipeline('described', types, (inputs) => {
    const [first, second] = inputNames.map((name) => withTime(inputs[name], description));
    return chain(first as Items, second, description);
  }) as unknown as TwoInputs;
}

/** Either, for what takes any definition. */
export function buildAny(
  description: Description,
): PipelineDefinition<Readonly<Record<string, Item>>, { readonly output: Item }> {
  return description.inputs === 1
    ? (build(description) as PipelineDefinition<never, { readonly output: Item }>)
    : (buildTwo(description) as PipelineDefinition<never, { readonly output: Item }>);
}

/** Elements of a window that came too late go here; only `buildWithLate` reads it. */
const lateTag = outputTag<Item>('late');

/** A pipeline whose only step is a window, with its late elements as a second output. */
export function buildWithLate(
  description: Pick<Description, 'bound' | 'every'>,
  step: WindowStep,
): PipelineDefinition<{ readonly input: Item }, { readonly output: Item; readonly late: Item }> {
  return pipeline('described', unchecked<Item>(), (items) => {
    const results = windowed(withTime(items, description), step, uidOfStep(0));
    return { output: results.pipe(map(itemOf)), late: results.side(lateTag) };
  });
}

function withTime(items: Items, { bound, every }: Pick<Description, 'bound' | 'every'>): Items {
  return items.pipe(eventTime({ timestamp: ({ at }) => at, outOfOrderness: bound, every }));
}

function chain(first: Items, second: Items | undefined, description: Description): Items {
  const join = joinIndex(description);
  return description.steps.reduce<Items>(
    (items, step, index) => added(items, step, index, index === join ? second : undefined),
    first,
  );
}

function added(items: Items, step: Step, index: number, second: Items | undefined): Items {
  const uid = uidOfStep(index);
  switch (step.step) {
    case 'map':
    case 'filter':
    case 'flatMap':
      return stateless(items, step);
    case 'union':
      return items.pipe(union(step.branch.reduce(stateless, second ?? items)));
    case 'window':
      return windowed(items, step, uid).pipe(map(itemOf));
    case 'process':
      return processed(items, step, uid);
    case 'connect':
      return connected(items, step, uid, second);
    case 'topK':
      return ranked(items, step, uid);
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
  }
}

/** The results of a window, with its side output. */
function windowed(items: Items, { by, shape, lateness, aggregate }: WindowStep, uid: string) {
  return items.pipe(
    keyBy<Item, Key>(keyChoices[by]),
    window(specOf(shape), aggregatorOf(aggregate), {
      uid,
      allowedLateness: lateness,
      late: lateTag,
    }),
  );
}

/** A window as wide as its slide is written as a tumbling one. */
export function specOf({ size, slide, offset }: WindowShape): ReturnType<typeof tumbling> {
  return size === slide ? tumbling({ size, offset }) : sliding({ size, slide, offset });
}

function itemOf(result: {
  readonly key: Key;
  readonly window: { readonly start: number; readonly end: number };
  readonly value: Gathered;
}): Item {
  const { key, window: span, value } = result;
  return { key, n: value.n, at: span.end - 1, ids: value.ids, start: span.start };
}

export function aggregatorOf(aggregate: Aggregate): Aggregator<Item, unknown, Gathered> {
  switch (aggregate) {
    case 'count':
      return numeric(count());
    case 'sum':
      return numeric(sum((item: Item) => item.n));
    case 'min':
      return numeric(min((item: Item) => item.n));
    case 'max':
      return numeric(max((item: Item) => item.n));
    case 'gather':
      return gather();
  }
}

function numeric(inner: Aggregator<Item, number, number>): Aggregator<Item, unknown, Gathered> {
  const named: Aggregator<Item, number, Gathered> = {
    ...inner,
    result: (accumulator) => ({ n: inner.result(accumulator), ids: [] }),
  };
  return named as Aggregator<Item, unknown, Gathered>;
}

/** Keeps all elements and changes its accumulator in place, as the contract allows: sees slices that are shared. */
function gather(): Aggregator<Item, unknown, Gathered> {
  const gathering: Aggregator<Item, Item[], Gathered> = {
    name: 'gather',
    create: () => [],
    add: (items, item) => {
      items.push(item);
      return items;
    },
    merge: (into, other) => {
      into.push(...other);
      return into;
    },
    result: (items) => ({
      n: items.reduce((total, { n }) => total + n, 0),
      ids: mergedIds(items),
    }),
  };
  return gathering as Aggregator<Item, unknown, Gathered>;
}

const state = {
  total: valueState(0),
  seen: mapState<number, readonly Item[]>(),
  other: mapState<number, readonly Item[]>(),
};

function scratchOf(context: ProcessContext<Key, typeof state>): Scratch {
  const { key, watermark, timers } = context;
  return { key, watermark, timers, ...context.state };
}

function processed(items: Items, { by, behaviour, gap }: ProcessStep, uid: string): Items {
  const { element, timer } = handlersOf(behaviour, gap);
  return items.pipe(
    keyBy<Item, Key>(keyChoices[by]),
    process({
      uid,
      state,
      element: (item: Item, context: ProcessContext<Key, typeof state>) =>
        element(item, scratchOf(context)),
      timer: ({ time }, context) => timer(time, scratchOf(context)),
    }),
  );
}

function connected(
  items: Items,
  { by, behaviour, gap }: ConnectStep,
  uid: string,
  input: Items | undefined,
): Items {
  const { element, second, timer } = handlersOf(behaviour, gap);
  const [left, right] =
    input === undefined
      ? [items.pipe(filter((item) => !isOdd(item))), items.pipe(filter(isOdd))]
      : [items, input];
  return left.pipe(
    keyBy<Item, Key>(keyChoices[by]),
    connect(right.pipe(keyBy<Item, Key>(keyChoices[by])), {
      uid,
      state,
      first: (item: Item, context: ProcessContext<Key, typeof state>) =>
        element(item, scratchOf(context)),
      second: (item: Item, context) => second(item, scratchOf(context)),
      timer: ({ time }, context) => timer(time, scratchOf(context)),
    }),
  );
}

function ranked(items: Items, { k, name }: TopKStep, uid: string): Items {
  return items.pipe(
    topK(k, { uid, by: ({ n }) => n, per: ({ at }) => at, key: rankNames[name] }),
    map(({ per, top }) => ({
      key: per,
      n: top.reduce((total, { n }) => total + n, 0),
      at: per,
      ids: mergedIds(top),
      top,
    })),
  );
}
