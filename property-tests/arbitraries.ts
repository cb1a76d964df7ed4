/** Random pipelines: steps of all kinds with all their options, put together so that there is one right answer. */
import fc from 'fast-check';
import type { AsyncStep } from './async-step.js';
import { courseOf, steadied } from './course.js';
import type {
  Behaviour,
  ConnectStep,
  DedupeStep,
  Description,
  KeepChoice,
  ProcessStep,
  ReduceStep,
  StatelessStep,
  Step,
  TimeChoice,
  TopKStep,
  UnionStep,
} from './description.js';
import { isClocked, isEager } from './traits.js';
import { clockedWindows, keyChoices, windowSteps } from './window-arbitraries.js';

/** Which pipelines are drawn; see `course.ts`. Each kind but `eager` has all steps of those before it. */
export type Kind = 'steady' | 'eager' | 'ordered' | 'clocked';

const gaps = fc.oneof(fc.constantFrom(0, 10, 50), fc.integer({ min: 1, max: 80 }));

export const statelessSteps: fc.Arbitrary<StatelessStep> = fc.oneof(
  fc.record({ step: fc.constant('map' as const), add: fc.integer({ min: -3, max: 3 }) }),
  fc.record({ step: fc.constant('filter' as const), modulus: fc.integer({ min: 2, max: 4 }) }),
  fc.record({ step: fc.constant('flatMap' as const), modulus: fc.integer({ min: 2, max: 3 }) }),
  fc.record({
    step: fc.constant('rx' as const),
    add: fc.integer({ min: -3, max: 3 }),
    modulus: fc.integer({ min: 2, max: 4 }),
  }),
);

const unionSteps: fc.Arbitrary<UnionStep> = fc.record({
  step: fc.constant('union' as const),
  branch: fc.array(statelessSteps, { maxLength: 2 }),
});

function processSteps(
  behaviours: readonly Exclude<Behaviour, 'keeping'>[],
): fc.Arbitrary<ProcessStep> {
  return fc.record({
    step: fc.constant('process' as const),
    by: keyChoices,
    behaviour: fc.constantFrom(...behaviours),
    gap: gaps,
  });
}

/** States of all kinds, with and without a time to live. */
function keepingSteps(time: 'event' | 'processing'): fc.Arbitrary<ProcessStep> {
  const kind = fc.constantFrom(...(['value', 'list', 'map', 'reducing', 'aggregating'] as const));
  const ttl = fc.record({
    after: fc.oneof(fc.constantFrom(10, 20, 50), fc.integer({ min: 1, max: 150 })),
    time: fc.constant(time),
    update: fc.constantFrom('onCreateAndWrite' as const, 'onReadAndWrite' as const),
    givesExpired: fc.boolean(),
    cleanup: fc.constantFrom('incremental' as const, 'none' as const),
  });
  const keep = fc.record({ kind, ttl: fc.option(ttl, { nil: undefined, freq: 3 }) }).map(foreseen);
  return fc.record({
    step: fc.constant('process' as const),
    by: keyChoices,
    behaviour: fc.constant('keeping' as const),
    gap: fc.oneof(fc.constant(0), gaps),
    keep,
  });
}

/** What has expired is seen once more only where nothing cleans up; lists have rules of their own for it. */
function foreseen({ kind, ttl }: { kind: KeepChoice['kind']; ttl: KeepChoice['ttl'] }): KeepChoice {
  if (ttl === undefined) return { kind };
  const givesExpired = ttl.givesExpired && ttl.cleanup === 'none' && kind !== 'list';
  return { kind, ttl: { ...ttl, givesExpired } };
}

const connectSteps: fc.Arbitrary<ConnectStep> = fc
  .record({
    step: fc.constant('connect' as const),
    by: keyChoices,
    behaviour: fc.constantFrom(...(['tally', 'pairs', 'ruled', 'ruled', 'gated'] as const)),
    gap: gaps,
  })
  // Without keys there are none to visit.
  .map((step) =>
    step.by === 'all' && step.behaviour === 'gated' ? { ...step, behaviour: 'ruled' } : step,
  );

const reduceSteps: fc.Arbitrary<ReduceStep> = fc.record({
  step: fc.constant('reduce' as const),
  by: keyChoices.filter((by) => by !== 'all'),
});

const dedupeSteps: fc.Arbitrary<DedupeStep> = fc.record({
  step: fc.constant('dedupe' as const),
  by: keyChoices,
  within: fc.oneof(fc.constantFrom(10, 20, 50), fc.integer({ min: 1, max: 80 })),
  keep: fc.constantFrom('first' as const, 'last' as const),
  isPlain: fc.boolean(),
});

const topKSteps: fc.Arbitrary<TopKStep> = fc.record({
  step: fc.constant('topK' as const),
  k: fc.integer({ min: 1, max: 3 }),
  name: fc.constantFrom('text' as const, 'number' as const, 'whole' as const),
  isDirect: fc.boolean(),
});

const asyncSteps: fc.Arbitrary<AsyncStep> = fc.record({
  step: fc.constant('asyncMap' as const),
  add: fc.integer({ min: -3, max: 3 }),
  by: fc.option(
    keyChoices.filter((by) => by !== 'all'),
    { nil: undefined },
  ),
  ordered: fc.boolean(),
  capacity: fc.constantFrom(1, 2, 100),
});

const eventSteps: readonly fc.WeightedArbitrary<Step>[] = [
  { weight: 4, arbitrary: statelessSteps },
  { weight: 1, arbitrary: unionSteps },
  { weight: 2, arbitrary: asyncSteps },
  { weight: 9, arbitrary: windowSteps },
  {
    weight: 4,
    arbitrary: processSteps(['running', 'quiet', 'toggling', 'past', 'judged', 'parting']),
  },
  { weight: 3, arbitrary: keepingSteps('event') },
  { weight: 2, arbitrary: connectSteps },
  { weight: 1, arbitrary: reduceSteps },
  { weight: 2, arbitrary: dedupeSteps },
  { weight: 2, arbitrary: topKSteps },
];

const clockSteps: readonly fc.WeightedArbitrary<Step>[] = [
  { weight: 9, arbitrary: clockedWindows },
  { weight: 3, arbitrary: processSteps(['waking']) },
  { weight: 3, arbitrary: keepingSteps('processing') },
];

const steps: Readonly<Record<Kind, fc.Arbitrary<Step>>> = {
  steady: fc.oneof(...eventSteps).map((step) => steadied(step) ?? { step: 'map', add: 1 }),
  eager: fc.oneof(...eventSteps).filter(isEager),
  ordered: fc.oneof(...eventSteps).filter((step) => !isClocked(step)),
  clocked: fc.oneof(...eventSteps, ...clockSteps),
};

export const bounds = fc.oneof(fc.constantFrom(0, 10, 30), fc.integer({ min: 1, max: 60 }));
const everies = fc.constantFrom(0, 1, 7, 10, 50, 200);

const boundedTimes: fc.Arbitrary<TimeChoice> = fc.record({
  generator: fc.constant('bounded' as const),
  bound: bounds,
  every: everies,
});

export const times: fc.Arbitrary<TimeChoice> = fc.oneof(
  { weight: 6, arbitrary: boundedTimes },
  {
    weight: 1,
    arbitrary: fc.constant<TimeChoice>({ generator: 'monotone', bound: 0, every: 200 }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      generator: fc.constantFrom('marked' as const, 'wavering' as const),
      bound: bounds,
      every: fc.constant(0),
    }),
  },
);

const periodicTimes: fc.Arbitrary<TimeChoice> = fc.record({
  generator: fc.constant('periodic' as const),
  bound: bounds,
  every: fc.constantFrom(10, 40, 200),
});

/** How far ahead of its appending an element may lie; logs go up to it, and beyond where they are to be at fault. */
export const MAX_FUTURE_MS = 1000;

export interface PipelineOptions {
  readonly kind: Kind;
  readonly inputs?: 1 | 2;
  /** Whether elements may be late at the source; logs for the pipeline must agree. */
  readonly stragglers: boolean;
  /** How many steps there may be. Default 4. */
  readonly maxSteps?: number;
  /** How many of them may have state. Default 3. */
  readonly maxStateful?: number;
  /** Whether streams may be connected; between two shuffles there is no order. Default true. */
  readonly connects?: boolean;
  /** Whether side outputs may be part of the output. Default true. */
  readonly sides?: boolean;
  /** Whether the clock may make the watermarks; it does not go on with them behind a crash. Default false. */
  readonly periodic?: boolean;
}

export function descriptions(options: PipelineOptions): fc.Arbitrary<Description> {
  const { kind, inputs = 1, stragglers, maxSteps = 4, maxStateful = 3, connects = true } = options;
  const step = steps[kind].filter((one) => connects || one.step !== 'connect');
  const join = fc.oneof<fc.Arbitrary<Step>[]>(unionSteps, connectSteps);
  const all = fc.array(step, { minLength: inputs === 1 ? 1 : 0, maxLength: maxSteps, size: 'max' });
  const joined = inputs === 1 ? all : fc.tuple(join, all).map(([first, rest]) => [first, ...rest]);
  return fc
    .record({
      inputs: fc.constant(inputs),
      time: options.periodic === true ? fc.oneof(times, periodicTimes) : times,
      maxFuture: fc.option(fc.constant(MAX_FUTURE_MS), { nil: undefined, freq: 2 }),
      sides: options.sides === false ? fc.constant(false) : fc.boolean(),
      steps: joined,
    })
    .map(({ maxFuture, steps: drawn, ...rest }) => ({
      ...rest,
      ...(maxFuture === undefined ? {} : { maxFuture }),
      steps: courseOf(withoutTwoClocks(kind === 'steady' ? drawn.map(steadiedOr) : drawn, rest), {
        inputs,
        maxStateful,
        stragglers,
      }),
    }));
}

function steadiedOr(step: Step): Step {
  return steadied(step) ?? step;
}

/** Whether timers of the clock or watermarks of the clock come first at a time that both wait for, nobody says. */
function withoutTwoClocks(drawn: readonly Step[], { time }: Pick<Description, 'time'>): Step[] {
  return drawn.filter((step) => time.generator !== 'periodic' || !isClocked(step));
}
