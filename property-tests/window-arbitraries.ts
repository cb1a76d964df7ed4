/** Random windows: kinds, sizes, offsets, lateness, triggers, evictors, functions. */
import fc from 'fast-check';
import type { KeyChoice } from './description.js';
import {
  aggregates,
  isTimed,
  keepsElements,
  needsArrival,
  orderless,
  type Aggregate,
  type AlignedSpan,
  type CustomTrigger,
  type EvictorChoice,
  type FunctionChoice,
  type Span,
  type TriggerChoice,
  type WindowStep,
} from './window-step.js';

/** Sizes that share borders, and sizes that do not. */
const lengths = fc.oneof(
  fc.integer({ min: 1, max: 12 }).map((tens) => tens * 10),
  fc.integer({ min: 1, max: 120 }),
  fc.integer({ min: 1, max: 5 }),
);

/** Tumbling, overlapping and gapped windows; at most eight own a time. */
export const alignedSpans: fc.Arbitrary<AlignedSpan> = fc
  .oneof(
    { weight: 2, arbitrary: lengths.map((size) => ({ size, slide: size })) },
    { weight: 3, arbitrary: fc.record({ size: lengths, slide: lengths }) },
  )
  .map(({ size, slide }) => ({ size, slide: Math.max(slide, Math.ceil(size / 8)) }))
  .chain(({ size, slide }) =>
    fc
      .oneof(fc.constant(0), fc.integer({ min: 1 - slide, max: slide - 1 }))
      .map((offset) => ({ kind: 'aligned' as const, size, slide, offset })),
  );

export const sessionSpans: fc.Arbitrary<Span> = fc.record({
  kind: fc.constant('session' as const),
  gap: fc.oneof(fc.constantFrom(10, 20, 50), fc.integer({ min: 1, max: 60 })),
  isDynamic: fc.boolean(),
});

const globalSpans: fc.Arbitrary<Span> = fc.constant({ kind: 'global' });

const countSpans: fc.Arbitrary<Span> = fc
  .record({ size: fc.integer({ min: 1, max: 5 }), slide: fc.integer({ min: 1, max: 4 }) })
  .chain(({ size, slide }) =>
    fc.constantFrom(size, slide).map((one) => ({ kind: 'count' as const, size, slide: one })),
  );

export const latenesses = fc.oneof(
  { weight: 5, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.constantFrom(10, 20) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 3 }) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 60 }) },
  { weight: 1, arbitrary: fc.constantFrom(1000, Infinity) },
);

export const keyChoices: fc.Arbitrary<KeyChoice> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<KeyChoice>('key') },
  { weight: 2, arbitrary: fc.constantFrom<KeyChoice[]>('remainder', 'all') },
  { weight: 2, arbitrary: fc.constantFrom<KeyChoice[]>('pair', 'record', 'all') },
);

/** Those that see the order of arrival twice as often: few windows are put together where it shows. */
const someAggregates: fc.Arbitrary<Aggregate> = fc.constantFrom(
  ...aggregates,
  ...aggregates.filter(needsArrival),
);
const forEvictors = fc.constantFrom<Aggregate[]>(
  ...(['elements', 'sequence', 'withElements', 'withSequence'] as const),
);
const functions = fc.constantFrom<FunctionChoice[]>(
  ...(['twice', 'states', 'fading', 'side', 'judged'] as const),
);
const sizes = fc.integer({ min: 1, max: 4 });
const intervals = fc.constantFrom(5, 10, 25, 70);

/** Which triggers may stand on which windows. */
interface Place {
  readonly isSession: boolean;
  /** Whether windows end. */
  readonly hasEnd: boolean;
  readonly isClocked: boolean;
}

function triggerChoices({ isSession, hasEnd, isClocked }: Place): fc.Arbitrary<TriggerChoice> {
  const customs: CustomTrigger[] = hasEnd
    ? ['evens', 'moody', 'halfway', 'restless']
    : ['evens', 'moody', 'restless'];
  const [ends, goesOn] = isClocked
    ? (['processingTime', 'continuousProcessingTime'] as const)
    : (['eventTime', 'continuousEventTime'] as const);
  const threshold = fc.integer({ min: 0, max: 6 });
  const either = fc.oneof<fc.WeightedArbitrary<TriggerChoice>[]>(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('count' as const), size: sizes }) },
    ...customs.map((name) => ({
      weight: 2,
      arbitrary: fc.constant({ kind: 'custom' as const, name }),
    })),
    {
      weight: isSession ? 0 : 2,
      arbitrary: fc.record({ kind: fc.constant('delta' as const), threshold }),
    },
    { weight: hasEnd ? 3 : 0, arbitrary: fc.constant({ kind: ends }) },
    {
      weight: hasEnd ? 3 : 1,
      arbitrary: fc.record({
        kind: fc.constant(goesOn),
        // On windows without an end it speaks for each multiple of a gap.
        interval: hasEnd ? intervals : fc.constantFrom(200, 700),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: 'never' as const }) },
  );
  return fc.oneof(
    { weight: 3, arbitrary: either },
    {
      weight: 1,
      arbitrary: either.map((inner): TriggerChoice => ({ kind: 'purging', inner })),
    },
    { weight: isClocked && !isSession ? 1 : 0, arbitrary: timeouts(either) },
  );
}

function timeouts(inner: fc.Arbitrary<TriggerChoice>): fc.Arbitrary<TriggerChoice> {
  return fc.record({
    kind: fc.constant('timeout' as const),
    inner,
    after: intervals,
    resets: fc.boolean(),
    clears: fc.boolean(),
  });
}

/** One time in three. */
function sometimes<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
}

const evictorChoices: fc.Arbitrary<EvictorChoice> = fc
  .record({
    kind: fc.constantFrom('count' as const, 'time' as const, 'time' as const, 'delta' as const),
    small: sizes,
    ms: fc.constantFrom(5, 10, 40),
    after: fc.boolean(),
  })
  .map(({ kind, small, ms, after }) => ({ kind, limit: kind === 'time' ? ms : small, after }));

/** Windows that speak at their end, and are cut into slices or run on. */
export const plainWindows: fc.Arbitrary<WindowStep> = fc.record({
  step: fc.constant('window' as const),
  by: keyChoices,
  span: fc.oneof({ weight: 3, arbitrary: alignedSpans }, { weight: 2, arbitrary: sessionSpans }),
  time: fc.constant('event' as const),
  lateness: latenesses,
  aggregate: someAggregates,
});

/** Overlapping windows that keep a running total. */
const totalWindows: fc.Arbitrary<WindowStep> = fc.record({
  step: fc.constant('window' as const),
  by: keyChoices,
  span: alignedSpans.map((span) => ({ ...span, slide: Math.ceil(span.size / 5) })).map(shifted),
  time: fc.constant('event' as const),
  lateness: fc.constant(0),
  aggregate: fc.constantFrom<Aggregate[]>('count', 'whole', 'wholeAverage', 'both'),
});

/** With an offset that fits. */
function shifted(span: AlignedSpan): AlignedSpan {
  return { ...span, offset: span.offset % span.slide };
}

/** Windows that need the general operator. */
function richWindows(time: 'event' | 'processing'): fc.Arbitrary<WindowStep> {
  const isClocked = time === 'processing';
  return fc
    .oneof(
      { weight: 3, arbitrary: alignedSpans },
      { weight: 2, arbitrary: sessionSpans },
      { weight: 2, arbitrary: globalSpans },
      { weight: 2, arbitrary: countSpans },
    )
    .chain((span) => {
      const isSession = span.kind === 'session';
      const hasEnd = isSession || span.kind === 'aligned';
      const trigger = triggerChoices({ isSession, hasEnd, isClocked });
      return fc.record({
        span: fc.constant(span),
        by: keyChoices,
        lateness: latenesses,
        aggregate: someAggregates,
        forEvictor: forEvictors,
        trigger: fc.option(trigger, { nil: undefined, freq: span.kind === 'count' ? 2 : 4 }),
        evictor: sometimes(evictorChoices),
        fn: sometimes(functions),
      });
    })
    .map((drawn) => consistent(drawn, time));
}

interface Drawn extends Pick<WindowStep, 'span' | 'by' | 'lateness' | 'aggregate'> {
  readonly forEvictor: Aggregate;
  readonly trigger: TriggerChoice | undefined;
  readonly evictor: EvictorChoice | undefined;
  readonly fn: FunctionChoice | undefined;
}

/** Leaves out what `window` refuses, and what nobody has promised. */
function consistent(
  { span, by, lateness, aggregate, forEvictor, trigger, evictor, fn }: Drawn,
  time: 'event' | 'processing',
): WindowStep {
  const mayEvict = evictor !== undefined && span.kind !== 'count';
  const chosen = mayEvict && !keepsElements(aggregate) ? forEvictor : aggregate;
  const step: WindowStep = {
    step: 'window',
    by,
    span,
    time: span.kind === 'global' || span.kind === 'count' ? 'event' : time,
    lateness: 0,
    // Sessions that become one have an order of their own.
    aggregate: span.kind === 'session' ? orderless(chosen) : chosen,
    ...(trigger === undefined ? {} : { trigger }),
    ...(mayEvict ? { evictor } : {}),
    ...(fn === undefined ? {} : { fn }),
  };
  // States that expire by event time need windows of it.
  if (!isTimed(step) && fn === 'fading') return { ...step, fn: 'states' };
  return isTimed(step) ? { ...step, lateness } : step;
}

export const windowSteps: fc.Arbitrary<WindowStep> = fc.oneof(
  { weight: 6, arbitrary: plainWindows.map(withoutOrderOfSessions) },
  { weight: 1, arbitrary: totalWindows },
  { weight: 8, arbitrary: richWindows('event') },
);

export const clockedWindows = richWindows('processing');

function withoutOrderOfSessions(step: WindowStep): WindowStep {
  return step.span.kind === 'session' ? { ...step, aggregate: orderless(step.aggregate) } : step;
}
