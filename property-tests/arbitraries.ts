/** Random logs and random pipelines, small enough to shrink into something that can be read. */
import fc from 'fast-check';
import type { Key } from 'tidemark';
import type {
  ConnectStep,
  Description,
  Item,
  ProcessStep,
  StatelessStep,
  Step,
  TopKStep,
  UnionStep,
  WindowShape,
  WindowStep,
} from './description.js';
import { isStateful } from './description.js';

/** Keys that are mistaken for others by who compares texts, prototypes or references. */
const weirdKeys: readonly Key[] = [
  ...['', '__proto__', 'constructor', '\u0000', '10', '10n', '[10]', 'true', '\ud800', '\ufffd'],
  ...['\u{1f30a}', 10, -0, 0, -1, 0.1, 2 ** 53, 10n, -(2n ** 70n), true, false],
  ...[[10], ['10'], [10, 'a'], ['10', 'a'], ['10a'], []],
  ...[{ a: 1, b: 2 }, { b: 2, a: 1 }, { a: 1 }, { a: '1' }],
];

/** Few keys are hot, so that state is shared; some are weird. */
export const keys: fc.Arbitrary<Key> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'b') },
  { weight: 3, arbitrary: fc.constantFrom('c', 'd', 'e', 'f', 'g', 'h') },
  { weight: 3, arbitrary: fc.constantFrom(...weirdKeys) },
);

/** Ties, steps to the next window border, odd steps, and now and then a gap. */
const steps = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 4 }).map((tens) => tens * 10) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 25 }) },
  { weight: 1, arbitrary: fc.integer({ min: 200, max: 900 }) },
);

/** What is known of an element before the order of arrival is. */
interface Draft {
  readonly step: number;
  readonly key: Key;
  readonly n: number;
  readonly delay: number;
  /** How far beyond the bound it strays. */
  readonly extra: number;
}

export interface LogOptions {
  readonly bound: number;
  /** Whether elements may lie behind the watermark. */
  readonly stragglers: boolean;
  readonly maxLength?: number;
}

/** A log in its order of arrival; ids are places in it, from `firstId` on. */
export function logs({ bound, stragglers, maxLength = 40 }: LogOptions): fc.Arbitrary<Item[]> {
  const extra = stragglers
    ? fc.oneof(
        { weight: 3, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 150 }) },
      )
    : fc.constant(0);
  const draft: fc.Arbitrary<Draft> = fc.record({
    step: steps,
    key: keys,
    n: fc.integer({ min: -9, max: 9 }),
    delay: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: bound })),
    extra,
  });
  return fc.array(draft, { maxLength, size: 'max' }).map(arrived);
}

/** Several splits; ids tell their elements apart. */
export function splits(options: LogOptions, most: number): fc.Arbitrary<Item[][]> {
  return fc
    .array(logs(options), { minLength: 1, maxLength: most })
    .map((arrays) => arrays.map((items, split) => renumbered(items, split * 1000)));
}

export function renumbered(items: readonly Item[], firstId: number): Item[] {
  return items.map((item, index) => ({ ...item, ids: [firstId + index] }));
}

/** Elements arrive `delay` after they happened, so nothing lies further behind than the largest delay. */
function arrived(drafts: readonly Draft[]): Item[] {
  let at = 0;
  const timed = drafts.map(({ step, key, n, delay, extra }) => {
    at += step;
    return { at, key, n, arrival: at + delay + extra };
  });
  const ordered = timed.toSorted((a, b) => a.arrival - b.arrival);
  return renumbered(
    ordered.map(({ key, n, at: time }) => ({ key, n, at: time, ids: [] })),
    0,
  );
}

/** Orders in which all elements arrive within the bound, as another way for them to be delayed. */
export function reorderings(items: readonly Item[], bound: number): fc.Arbitrary<Item[]> {
  const delay = fc.integer({ min: 0, max: bound });
  const tie = fc.nat({ max: 1000 });
  return fc
    .array(fc.tuple(delay, tie), { minLength: items.length, maxLength: items.length })
    .map((delays) =>
      items
        .map((item, index) => ({ item, order: delays[index] ?? [0, 0] }))
        .toSorted(
          (a, b) => a.item.at + a.order[0] - b.item.at - b.order[0] || a.order[1] - b.order[1],
        )
        .map(({ item }) => item),
    );
}

/** Sizes that share borders, and sizes that do not. */
const lengths = fc.oneof(
  fc.integer({ min: 1, max: 12 }).map((tens) => tens * 10),
  fc.integer({ min: 1, max: 120 }),
);

/** Tumbling, overlapping and gapped windows; at most eight own a time. */
export const windowShapes: fc.Arbitrary<WindowShape> = fc
  .oneof(
    lengths.map((size) => ({ size, slide: size })),
    fc.record({ size: lengths, slide: lengths }),
  )
  .map(({ size, slide }) => ({ size, slide: Math.max(slide, Math.ceil(size / 8)) }))
  .chain(({ size, slide }) =>
    fc
      .oneof(fc.constant(0), fc.integer({ min: 1 - slide, max: slide - 1 }))
      .map((offset) => ({ size, slide, offset })),
  );

export const latenesses = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 1, max: 60 }),
  fc.constant(1000),
);

const keyChoice = fc.constantFrom(
  'key' as const,
  'remainder' as const,
  'pair' as const,
  'record' as const,
);
const gaps = fc.oneof(fc.constantFrom(0, 10, 50), fc.integer({ min: 1, max: 80 }));

export const statelessSteps: fc.Arbitrary<StatelessStep> = fc.oneof(
  fc.record({ step: fc.constant('map' as const), add: fc.integer({ min: -3, max: 3 }) }),
  fc.record({ step: fc.constant('filter' as const), modulus: fc.integer({ min: 2, max: 4 }) }),
  fc.record({ step: fc.constant('flatMap' as const), modulus: fc.integer({ min: 2, max: 3 }) }),
);

const unionSteps: fc.Arbitrary<UnionStep> = fc.record({
  step: fc.constant('union' as const),
  branch: fc.array(statelessSteps, { maxLength: 2 }),
});

export const windowSteps: fc.Arbitrary<WindowStep> = fc.record({
  step: fc.constant('window' as const),
  by: keyChoice,
  shape: windowShapes,
  lateness: latenesses,
  aggregate: fc.constantFrom(...(['gather', 'count', 'sum', 'min', 'max'] as const)),
});

function processSteps(behaviours: readonly ProcessStep['behaviour'][]): fc.Arbitrary<ProcessStep> {
  return fc.record({
    step: fc.constant('process' as const),
    by: keyChoice,
    behaviour: fc.constantFrom(...behaviours),
    gap: gaps,
  });
}

function connectSteps(behaviours: readonly ConnectStep['behaviour'][]): fc.Arbitrary<ConnectStep> {
  return fc.record({
    step: fc.constant('connect' as const),
    by: keyChoice,
    behaviour: fc.constantFrom(...behaviours),
    gap: gaps,
  });
}

function topKSteps(names: readonly TopKStep['name'][]): fc.Arbitrary<TopKStep> {
  return fc.record({
    step: fc.constant('topK' as const),
    k: fc.integer({ min: 1, max: 3 }),
    name: fc.constantFrom(...names),
  });
}

/**
 * Steps of deterministic pipelines: their output is the same for every admissible order of what comes in, provided
 * that nothing is late.
 */
const steadySteps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: statelessSteps },
  { weight: 1, arbitrary: unionSteps },
  { weight: 4, arbitrary: windowSteps },
  { weight: 2, arbitrary: processSteps(['quiet']) },
  { weight: 1, arbitrary: connectSteps(['tally']) },
  { weight: 2, arbitrary: topKSteps(['whole']) },
);

/** Steps whose output may hang on the order of what comes in; that order is fixed where one split feeds one task. */
const orderedSteps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: statelessSteps },
  { weight: 4, arbitrary: windowSteps },
  { weight: 3, arbitrary: processSteps(['running', 'quiet', 'toggling', 'past', 'judged']) },
  { weight: 1, arbitrary: connectSteps(['tally', 'pairs']) },
  { weight: 2, arbitrary: topKSteps(['text', 'number', 'whole']) },
);

const generators = {
  bound: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 60 })),
  every: fc.constantFrom(0, 1, 7, 10, 50, 200),
};

export interface PipelineOptions {
  readonly inputs?: 1 | 2;
  /** Whether any admissible order of the input gives the same output. */
  readonly steady: boolean;
  /** How many steps there may be. Default 4. */
  readonly maxSteps?: number;
  /** How many of them may have state. Default 3. */
  readonly maxStateful?: number;
  /** Whether streams may be connected; between two shuffles there is no order. Default true. */
  readonly connects?: boolean;
}

export function descriptions(options: PipelineOptions): fc.Arbitrary<Description> {
  const { inputs = 1, steady, maxSteps = 4, maxStateful = 3, connects = true } = options;
  const step = steady ? steadySteps : orderedSteps;
  const join = fc.oneof<fc.Arbitrary<Step>[]>(
    unionSteps,
    connectSteps(steady ? ['tally'] : ['tally', 'pairs']),
  );
  const kept = connects ? step : step.filter((one) => one.step !== 'connect');
  const all = fc.array(kept, { minLength: inputs === 1 ? 1 : 0, maxLength: maxSteps });
  const joined = inputs === 1 ? all : fc.tuple(join, all).map(([first, rest]) => [first, ...rest]);
  return fc.record({ ...generators, steps: joined }).map(({ bound, every, steps: drawn }) => ({
    inputs,
    bound,
    every,
    steps: withinReason(drawn, maxStateful, steady),
  }));
}

/**
 * Drops steps with state beyond the number, and those behind a process, whose outputs may be older than they look.
 * What fires at one watermark has no order between keys, so only the first step with state may hang on order.
 */
function withinReason(drawn: readonly Step[], maxStateful: number, steady: boolean): Step[] {
  let stateful = 0;
  let isOver = false;
  return drawn.flatMap((step) => {
    if (!isStateful(step)) return [step];
    if (isOver || stateful >= maxStateful) return [];
    stateful += 1;
    const isFirst = stateful === 1;
    switch (step.step) {
      case 'process':
        isOver = step.behaviour !== 'quiet' || !steady;
        return [isFirst ? step : { ...step, behaviour: 'quiet' as const }];
      case 'connect':
        isOver = step.behaviour !== 'tally' || !steady;
        return [step];
      case 'topK':
        return [isFirst ? step : { ...step, name: 'whole' as const }];
      default:
        return [step];
    }
  });
}

/** Two logs, and which of them is next, again and again; the rest follows. */
export interface Meeting {
  readonly description: Description;
  readonly first: readonly Item[];
  readonly second: readonly Item[];
  readonly turns: readonly (0 | 1)[];
}

export function meetings(
  options: Omit<PipelineOptions, 'inputs'> & { readonly stragglers: boolean },
): fc.Arbitrary<Meeting> {
  return descriptions({ ...options, inputs: 2 }).chain((description) => {
    const log = { bound: description.bound, stragglers: options.stragglers, maxLength: 25 };
    return fc.record({
      description: fc.constant(description),
      first: logs(log),
      second: logs(log).map((items) => renumbered(items, 1000)),
      turns: fc.array(fc.constantFrom(0 as const, 1 as const), { maxLength: 50, size: 'max' }),
    });
  });
}

/** A description together with a log for it. */
export interface Case {
  readonly description: Description;
  readonly items: readonly Item[];
}

export function cases(
  options: PipelineOptions & { readonly stragglers: boolean; readonly maxLength?: number },
): fc.Arbitrary<Case> {
  const { stragglers, maxLength = 40 } = options;
  return descriptions(options).chain((description) =>
    logs({ bound: description.bound, stragglers, maxLength }).map((items) => ({
      description,
      items,
    })),
  );
}
