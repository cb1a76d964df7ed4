/**
 * The trigger contract: when a window says its result.
 *
 * After Flink's `Trigger`. A trigger is told of each element and of the timers that it has set, and answers what the
 * window does. It keeps nothing itself: what it must remember of a window is a plain value in `context.state`, which
 * lives with the window, is part of checkpoints and goes when the window goes.
 */
import { TidemarkError, show } from '../core/errors.js';
import type { TimeWindow } from './windows.js';

/**
 * What a window does: nothing, say its result, forget its contents, or both. A window that has forgotten its contents
 * lives on, and says nothing until new elements come.
 */
export type TriggerResult = 'continue' | 'fire' | 'purge' | 'fireAndPurge';

/** What a trigger may ask and do while it is called. Timers belong to the window; a time set twice is one timer. */
export interface TriggerContext<State> {
  /** What the trigger remembers of the window; what `create` made, at first. A plain value; set it, or change it in place. */
  state: State;
  /** Event time in epoch ms, `end` exclusive; from -Infinity to Infinity for a global window. */
  readonly window: TimeWindow;
  /** The last time that belongs to the window: `end - 1`, Infinity for a global one. */
  readonly maxTimestamp: number;
  /** Event time of the element in hand, ms; NaN where there is none. */
  readonly timestamp: number;
  /** The input watermark, ms; -Infinity before the first. */
  readonly watermark: number;
  /** Processing time, epoch ms. */
  readonly now: number;
  setEventTime(time: number): void;
  deleteEventTime(time: number): void;
  setProcessingTime(time: number): void;
  deleteProcessingTime(time: number): void;
}

/** When a window says its result. Use `defineTrigger` for one of your own. */
export interface Trigger<in T, State> {
  /** For `explain`, and to notice at a restart that another trigger stands here. */
  readonly name: string;
  /** Whether it can ever fire. A window without an end under one that cannot would only grow. */
  readonly fires: boolean;
  /** What is remembered of a window without elements. */
  create(): State;
  /** After an element has been put into the window. */
  element(value: T, context: TriggerContext<State>): TriggerResult;
  /** When the watermark has reached a time that was set. */
  eventTime(time: number, context: TriggerContext<State>): TriggerResult;
  /** When the clock has reached a time that was set. */
  processingTime(time: number, context: TriggerContext<State>): TriggerResult;
  /**
   * Sessions have become one: `context` is the new window's, with a fresh state; `merged` are the states of the old ones,
   * whose timers are cleared behind it. Absent: this trigger cannot stand on session windows.
   */
  merge?(context: TriggerContext<State>, merged: readonly State[]): void;
  /** The window goes: delete the timers that were set. */
  clear(context: TriggerContext<State>): void;
}

/** What `defineTrigger` takes: a trigger with everything left out that it does not need. */
export interface TriggerDefinition<T, State> {
  readonly name: string;
  /** Default true. */
  readonly fires?: boolean;
  /** Default: undefined is remembered. */
  readonly create?: () => State;
  /** Default: continue. */
  readonly element?: Trigger<T, State>['element'];
  /** Default: continue. */
  readonly eventTime?: Trigger<T, State>['eventTime'];
  /** Default: continue. */
  readonly processingTime?: Trigger<T, State>['processingTime'];
  readonly merge?: Trigger<T, State>['merge'];
  /** Default: nothing. */
  readonly clear?: Trigger<T, State>['clear'];
}

/**
 * Makes a trigger of your own.
 *
 * @example
 * import { elements, defineTrigger, globalWindow, keyBy, stream, window } from 'tidemark';
 * import { of } from 'rxjs';
 * // Says what has come whenever a full stop comes.
 * const atFullStop = defineTrigger<string>({
 *   name: 'atFullStop',
 *   element: (word) => (word === '.' ? 'fireAndPurge' : 'continue'),
 * });
 * stream(of('a', 'b', '.', 'c', '.'))
 *   .pipe(
 *     keyBy(() => 'all'),
 *     window(globalWindow(), elements(), { uid: 'sentences', trigger: atFullStop }),
 *   )
 *   .subscribe((sentence) => console.log(sentence.value.join(' ')));
 * // => a b .
 * // => c .
 *
 * @throws TidemarkError OPTIONS_INVALID
 */
export function defineTrigger<T, State = undefined>(
  definition: TriggerDefinition<T, State>,
): Trigger<T, State> {
  for (const part of [
    'element',
    'eventTime',
    'processingTime',
    'merge',
    'clear',
    'create',
  ] as const)
    checkPart(definition[part], `${part} of the trigger "${definition.name}"`);
  return {
    name: definition.name,
    fires: definition.fires ?? true,
    create: definition.create ?? (() => undefined as State),
    element: definition.element ?? goOn,
    eventTime: definition.eventTime ?? goOn,
    processingTime: definition.processingTime ?? goOn,
    ...(definition.merge === undefined ? {} : { merge: definition.merge }),
    clear: definition.clear ?? (() => undefined),
  };
}

function goOn(): TriggerResult {
  return 'continue';
}

function checkPart(part: unknown, where: string): void {
  if (part === undefined || typeof part === 'function') return;
  throw new TidemarkError('OPTIONS_INVALID', {
    expected: 'a function',
    got: show(part),
    where,
    hint: 'Pass the function itself, or leave it out.',
  });
}
