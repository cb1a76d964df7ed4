/**
 * The reference of watermarks where several inputs meet and some fall silent, after Flink's `StatusWatermarkValve`:
 * the minimum over the inputs that take part, and never less than what was said before.
 *
 * An input takes part unless it is idle, has ended, or has come back behind what was said and not caught up yet. When
 * all that have not ended are idle, nobody is waited for, and the furthest of them speaks.
 */
import type { TimeChoice } from './description.js';
import { Mark } from './oracle-stream.js';

/** What may happen to an input. */
export type InputAction =
  | { readonly kind: 'element'; readonly input: 0 | 1; readonly at: number }
  | { readonly kind: 'force'; readonly input: 0 | 1; readonly to: number }
  | { readonly kind: 'idle'; readonly input: 0 | 1 };

interface InputState {
  readonly watermark: number;
  readonly isIdle: boolean;
}

/** The watermark of both inputs together after each action. */
export function referenceValve(actions: readonly InputAction[], time: TimeChoice): number[] {
  let said = -Infinity;
  return actions.map((_, index) => {
    const past = actions.slice(0, index + 1);
    const inputs = ([0, 1] as const).map((input) => stateOf(past, input, time));
    const active = inputs.filter(({ isIdle }) => !isIdle);
    const taking = active.filter(({ watermark }) => watermark >= said);
    const marks = (active.length === 0 ? inputs : taking).map(({ watermark }) => watermark);
    if (marks.length > 0)
      said = Math.max(said, active.length === 0 ? Math.max(...marks) : Math.min(...marks));
    return said;
  });
}

/** An input by itself: its own generator, raised by force and by falling silent. */
function stateOf(actions: readonly InputAction[], input: 0 | 1, time: TimeChoice): InputState {
  const mark = new Mark(time);
  const isBuiltIn = time.generator === 'bounded' || time.generator === 'monotone';
  let isIdle = false;
  for (const action of actions) {
    if (action.input !== input) continue;
    isIdle = action.kind === 'idle';
    if (action.kind === 'element') mark.take({ n: action.at, at: action.at });
    else if (action.kind === 'force') mark.raise(action.to);
    // What a generator of the user has not said is not pending.
    else if (isBuiltIn) mark.raise(mark.raw);
  }
  return { watermark: mark.sent, isIdle };
}
