/**
 * What may stand behind what, so that there is one right answer.
 *
 * An answer hangs on the order in which elements reach a step, and on the watermark by which each is judged. Both are
 * laws of the data up to the first step that fires several keys at one watermark: between those there is no order. So
 * each step is judged by what is known of the stream in front of it, and replaced or left out where that is too little.
 *
 *     steady     the same for every order, as long as nothing is late
 *     eager      a function of the sequence of each key, whatever the watermarks
 *     ordered    a function of the sequence and its watermarks
 *     clocked    a function of the clock as well
 */
import { isShuffled, isStateful, type ProcessStep, type Step } from './description.js';
import {
  hasTimers,
  isBroadcast,
  isClocked,
  isEagerProcess,
  isSteadyBehaviour,
  isTimeless,
} from './traits.js';
import {
  firesAtEnd,
  goesByElements,
  isTimed,
  orderless,
  type FunctionChoice,
  type WindowStep,
} from './window-step.js';

/** What is known of a stream. */
interface Course {
  /** Whether the elements of a moment come in one order only. */
  readonly isOrdered: boolean;
  /** Whether no element lies behind the watermark. */
  readonly isFresh: boolean;
  /** Whether those that do come in one order only. */
  readonly lateIsOrdered: boolean;
  /** Whether elements have a time. */
  readonly isTimed: boolean;
  /** Whether the time that an item knows of is the time that it has. */
  readonly isTrue: boolean;
  /** What a topK knows of the lateness upstream. */
  readonly lateness: number;
  /** Whether a step has seen the clock: what comes behind it may lie anywhere. */
  readonly isClocked: boolean;
}

export interface CourseOptions {
  /** With two of them the first union or connect takes the second. */
  readonly inputs: 1 | 2;
  /** How many steps may have state. */
  readonly maxStateful: number;
  /** Whether elements may be late at the source. */
  readonly stragglers: boolean;
}

/** The steps of a pipeline that has one right answer, made of drawn ones. */
export function courseOf(
  drawn: readonly Step[],
  { inputs, maxStateful, stragglers }: CourseOptions,
): Step[] {
  let stateful = 0;
  let course: Course = {
    isOrdered: true,
    isFresh: !stragglers,
    lateIsOrdered: true,
    isTimed: true,
    isTrue: true,
    lateness: 0,
    isClocked: false,
  };
  let mayJoin = inputs === 2;
  const steps: Step[] = [];
  for (const step of drawn) {
    if (isShuffled(step) && stateful >= maxStateful) continue;
    const fitted = fitting(step, course);
    if (fitted === undefined) continue;
    steps.push(fitted);
    const joins = mayJoin && (fitted.step === 'union' || fitted.step === 'connect');
    // Of two sources one speaks at a time, so they meet in the order in which they do.
    if (!joins || fitted.step !== 'union') course = behind(fitted, course);
    mayJoin &&= !joins;
    if (isShuffled(fitted)) stateful += 1;
  }
  return steps;
}

function fitting(step: Step, course: Course): Step | undefined {
  if (!isStateful(step) || step.step === 'asyncMap') return step;
  if (course.isClocked || (!course.isTimed && needsTime(step))) return undefined;
  if (!course.isTrue && readsTime(step)) return undefined;
  const fitted = course.isOrdered ? step : steadied(step);
  if (fitted === undefined || course.isFresh || course.isOrdered) return fitted;
  return withoutLate(fitted, course);
}

/** What is late comes in any order here, so nothing may hang on when exactly it is taken. */
function withoutLate(step: Step, { lateIsOrdered, lateness }: Course): Step | undefined {
  if (lateIsOrdered) return step;
  switch (step.step) {
    case 'window':
      return step.span.kind === 'session' ? undefined : { ...step, lateness: 0 };
    case 'topK':
      return lateness === 0 ? step : undefined;
    case 'dedupe':
      return undefined;
    default:
      return step;
  }
}

/** The step, or another of its kind, to which order means nothing. */
export function steadied(step: Step): Step | undefined {
  switch (step.step) {
    case 'window':
      return firesAtEnd(step) ? steadyWindow(step) : undefined;
    case 'process':
      return isSteadyBehaviour(step) ? step : { ...step, behaviour: 'quiet' };
    case 'connect':
      return isBroadcast(step) ? step : { ...step, behaviour: 'tally' };
    case 'topK':
      return { ...step, name: 'whole' };
    case 'dedupe':
      return step.keep === 'last' ? { ...step, isPlain: true } : undefined;
    case 'reduce':
      return undefined;
    default:
      return step;
  }
}

function steadyWindow({ evictor, fn, span, ...step }: WindowStep): WindowStep {
  return {
    ...step,
    // Times are often multiples of ten, and whether sessions that touch become one is a matter of order.
    span: span.kind === 'session' ? { ...span, gap: span.gap - (span.gap % 10) + 3 } : span,
    aggregate: orderless(step.aggregate),
    ...(evictor?.kind === 'time' && !evictor.after ? { evictor } : {}),
    ...(fn === undefined || isUnsteady(fn, step.lateness) ? {} : { fn }),
  };
}

/** Under lateness windows speak again in any order, so a number of the key would tell it. */
function isUnsteady(fn: FunctionChoice, lateness: number): boolean {
  return fn === 'judged' || fn === 'fading' || (fn === 'states' && lateness > 0);
}

/** Whether a step looks at the time of its elements, or at the watermark. */
function needsTime(step: Step): boolean {
  switch (step.step) {
    case 'window':
      return !isTimeless(step);
    case 'process':
      return !isEagerProcess(step);
    case 'reduce':
      return false;
    default:
      return isStateful(step);
  }
}

/** Whether a step looks at the time that an item knows of. */
function readsTime(step: Step): boolean {
  if (step.step === 'dedupe') return step.keep === 'last';
  return step.step === 'topK' || step.step === 'connect' || hasTimers(step);
}

function behind(step: Step, course: Course): Course {
  if (isClocked(step)) return { ...course, isClocked: true };
  switch (step.step) {
    case 'union':
      return { ...course, isOrdered: false, lateIsOrdered: false };
    case 'window':
      return behindWindow(step, course);
    case 'process':
      return behindProcess(step, course);
    case 'connect':
      // Who waits at a gate leaves at the time of who opens it.
      return { ...untold(course, course.isFresh), isTimed: step.behaviour !== 'gated' };
    case 'asyncMap':
      return step.ordered ? course : { ...course, isOrdered: false, lateIsOrdered: false };
    case 'reduce':
      return { ...course, lateness: 0 };
    case 'dedupe':
      return step.keep === 'first'
        ? course
        : { ...course, isOrdered: false, isFresh: true, isTrue: false, lateness: 0 };
    case 'topK':
      return { ...course, isOrdered: false, isFresh: course.lateness === 0 };
    default:
      return course;
  }
}

function behindWindow(step: WindowStep, course: Course): Course {
  const { lateness, trigger, span } = step;
  const goesOn = trigger === undefined ? span.kind === 'count' : goesByElements(trigger);
  if (!isTimed(step))
    return { ...course, isOrdered: course.isOrdered && goesOn, isTimed: false, lateness: 0 };
  return {
    ...course,
    isTrue: true,
    isOrdered: course.isOrdered && goesOn,
    isFresh: lateness === 0,
    // What elements speak comes in their order, what timers of several keys do in none.
    lateIsOrdered: course.lateIsOrdered && (firesAtEnd(step) || goesByElements(trigger)),
    lateness,
  };
}

function behindProcess(step: ProcessStep, course: Course): Course {
  if (!hasTimers(step)) return { ...course, lateness: 0 };
  return untold(course, course.isFresh && step.behaviour !== 'past');
}

/** Behind timers: they may be set for the past, and nobody knows how those of several keys meet. */
function untold(course: Course, isFresh: boolean): Course {
  return { ...course, isOrdered: false, isFresh, lateIsOrdered: false, lateness: 0 };
}
