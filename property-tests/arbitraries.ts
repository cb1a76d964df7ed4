/** Random pipelines, and what goes into them. */
import fc from 'fast-check';
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
import { logs, renumbered, type LogOptions } from './logs.js';

/** Sizes that share borders, and sizes that do not. */
const lengths = fc.oneof(
  fc.integer({ min: 1, max: 12 }).map((tens) => tens * 10),
  fc.integer({ min: 1, max: 120 }),
  fc.integer({ min: 1, max: 5 }),
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
  fc.constantFrom(0, 10, 20),
  fc.integer({ min: 1, max: 3 }),
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
    isDirect: fc.boolean(),
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

export const bounds = fc.oneof(fc.constantFrom(0, 10, 30), fc.integer({ min: 1, max: 60 }));

const generators = {
  bound: bounds,
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

export function cases(options: PipelineOptions & Omit<LogOptions, 'bound'>): fc.Arbitrary<Case> {
  return descriptions(options).chain((description) =>
    logs({ ...options, bound: description.bound }).map((items) => ({ description, items })),
  );
}
