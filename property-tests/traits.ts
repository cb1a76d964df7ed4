/** What steps are by themselves: whether they look at time, keep keys, or answer each element in turn. */
import {
  isShuffled,
  type ConnectStep,
  type Description,
  type ProcessStep,
  type Step,
} from './description.js';
import { goesByClock, goesByElements, isTimed, type WindowStep } from './window-step.js';

export function isSteadyBehaviour({ behaviour }: ProcessStep): boolean {
  return behaviour === 'quiet' || behaviour === 'parting';
}

/** Whether a window goes by its elements alone. */
export function isTimeless({ span, trigger, evictor, fn }: WindowStep): boolean {
  if (span.kind === 'aligned' || span.kind === 'session') return false;
  const goesOn = trigger === undefined || trigger.kind === 'never' || goesByElements(trigger);
  return goesOn && evictor?.kind !== 'time' && fn !== 'judged' && fn !== 'fading';
}

export function isEagerProcess({ behaviour, gap, keep }: ProcessStep): boolean {
  if (behaviour === 'keeping') return gap === 0 && keep?.ttl === undefined;
  return behaviour === 'running' || behaviour === 'parting';
}

/** Whether the outputs of a key are a function of the elements of the key in their order, whatever the watermarks. */
export function isEager(step: Step): boolean {
  switch (step.step) {
    case 'window':
      return isTimeless(step);
    case 'process':
      return isEagerProcess(step);
    case 'dedupe':
      return step.keep === 'first';
    case 'reduce':
      return true;
    case 'asyncMap':
      return step.ordered;
    case 'connect':
    case 'topK':
      return false;
    default:
      return step.step !== 'union';
  }
}

/** Whether a step looks at the clock. */
export function isClocked(step: Step): boolean {
  if (step.step === 'process')
    return step.behaviour === 'waking' || step.keep?.ttl?.time === 'processing';
  if (step.step !== 'window') return false;
  const isSpan = step.span.kind === 'aligned' || step.span.kind === 'session';
  return goesByClock(step.trigger) || (isSpan && step.time === 'processing');
}

/** Whether the second side of a connect is read by all shards. */
export function isBroadcast({ behaviour }: ConnectStep): boolean {
  return behaviour === 'ruled' || behaviour === 'gated';
}

/** Whether a process sets timers of event time. */
export function hasTimers(step: Step): boolean {
  if (step.step !== 'process') return false;
  const { behaviour, gap } = step;
  if (behaviour === 'keeping') return gap > 0;
  return behaviour === 'quiet' || behaviour === 'toggling' || behaviour === 'past';
}

/** Whether a step forgets a key once its last timer has fired. */
export function leavesNothing(step: Step): boolean {
  switch (step.step) {
    case 'window':
      return isTimed(step) && step.lateness !== Infinity && !remembersKeys(step);
    case 'connect':
      return step.behaviour === 'tally';
    case 'process':
      return ['quiet', 'toggling', 'parting'].includes(step.behaviour);
    case 'reduce':
      return false;
    default:
      return true;
  }
}

function remembersKeys({ fn }: WindowStep): boolean {
  return fn === 'states' || fn === 'fading';
}

/**
 * Whether outputs of one `key` come in one order only: no step behind the first keyed one, no two ways through, and
 * the key of an output is what the stream was keyed by.
 */
export function isOrderedByKey({ steps, sides }: Description): boolean {
  const [first, ...more] = steps.filter(isShuffled);
  if (sides || more.length > 0 || steps.some(isMixing)) return false;
  if (first === undefined) return true;
  switch (first.step) {
    case 'connect':
      return false;
    case 'process':
    case 'reduce':
    case 'dedupe':
    case 'asyncMap':
      return first.by === 'key' || first.by === 'all';
    default:
      return true;
  }
}

/**
 * Whether a repetition gives its outputs in the same order. Results of calls are taken up between two chunks, so what
 * leaves by another output may overtake them.
 */
export function isOrderRepeatable({ steps, sides }: Description): boolean {
  return !sides || steps.every(({ step }) => step !== 'asyncMap');
}

function isMixing(step: Step): boolean {
  return step.step === 'union' || (step.step === 'asyncMap' && !step.ordered);
}

/** Whether any number of shards gives the same, also where elements come late: they meet by key once at most. */
export function isShardable({ steps }: Description): boolean {
  return steps.filter(isShuffled).length <= 1 && steps.every(({ step }) => step !== 'connect');
}
