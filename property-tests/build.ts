/** Makes a Tidemark pipeline of a description, through the public surface and nothing else. */
import {
  connect,
  eventTime,
  filter,
  flatMap,
  keyBy,
  map,
  mapState,
  outputTag,
  pipeline,
  process,
  sliding,
  topK,
  tumbling,
  unchecked,
  union,
  valueState,
  window,
} from 'tidemark';
import type { DataStream, Key, Pipeline, PipelineDefinition, ProcessContext } from 'tidemark';
import { aggregatorOf, type Gathered } from './aggregates.js';
import { handlersOf, type Scratch } from './behaviours.js';
import {
  copies,
  inputNames,
  isKept,
  isOdd,
  isRanked,
  joinIndex,
  keyChoices,
  mapped,
  mergedIds,
  rankNames,
  uidOfStep,
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
  });
}

/** Either, for what takes any definition. */
export function buildAny(
  description: Description,
): PipelineDefinition<Readonly<Record<string, Item>>, { readonly output: Item }> {
  return description.inputs === 1 ? build(description) : buildTwo(description);
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
  let bare: ReturnType<typeof windowed> | undefined;
  return description.steps.reduce<Items>((items, step, index) => {
    const uid = uidOfStep(index);
    if (step.step === 'topK' && bare !== undefined) {
      const results = bare;
      bare = undefined;
      return rankedResults(results, step, uid);
    }
    if (step.step === 'window' && isRanked(description, index)) {
      bare = windowed(items, step, uid);
      return items;
    }
    return added(items, step, uid, index === join ? second : undefined);
  }, first);
}

function added(items: Items, step: Step, uid: string, second: Items | undefined): Items {
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
  const key = rankNames[name];
  return items.pipe(
    topK(k, { uid, by: ({ n }) => n, per: ({ at }) => at, key }),
    map(({ per, top }) => rankedItem(per, top)),
  );
}

/** The same on the results of a window as they are, which topK knows to be final, or how long they are not. */
function rankedResults(
  results: ReturnType<typeof windowed>,
  { k, name }: TopKStep,
  uid: string,
): Items {
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
  const n = top.reduce((total, item) => total + item.n, 0);
  return { key: at, n, at, ids: mergedIds(top), top };
}
