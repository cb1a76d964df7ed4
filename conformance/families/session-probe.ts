/** Sessions of one key, made by the window operator from windows that are given outright, and what became of them. */
import { count } from '../../src/dsl/aggregators.js';
import { keyBy } from '../../src/dsl/key-by.js';
import { triggeredWindow } from '../../src/dsl/window.js';
import { defineTrigger } from '../../src/time/trigger.js';
import type { SessionWindows } from '../../src/time/session-windows.js';
import type { TimeWindow, WindowTime } from '../../src/time/windows.js';
import { NotApplicable } from '../drive.js';
import { Rig } from '../rig.js';

export type Bounds = readonly [start: number, end: number];

/** What the trigger was told when sessions became one. */
export interface MergeCall {
  readonly target: Bounds;
  /** The sessions that were there before. */
  readonly sources: readonly Bounds[];
}

export class SessionProbe {
  readonly #rig: Rig;
  readonly #time: WindowTime;
  #call: MergeCall | undefined;

  constructor(time: WindowTime) {
    this.#time = time;
    const trigger = defineTrigger<unknown, Bounds>({
      name: 'probe',
      create: () => [0, 0],
      element: (_value, context) => {
        context.state = boundsOf(context.window);
        return 'fire';
      },
      merge: (context, merged) => {
        context.state = boundsOf(context.window);
        this.#call = { target: context.state, sources: merged.map(([start, end]) => [start, end]) };
      },
    });
    this.#rig = new Rig({
      build: (root) =>
        root.pipe(
          keyBy(() => 'all'),
          triggeredWindow(anyWindow(time), count(), { uid: 'probe', trigger }),
        ),
    });
  }

  /** Puts a window in, and gives the session that it became part of. */
  add(window: Bounds): { readonly result: Bounds; readonly merge: MergeCall | undefined } {
    this.#call = undefined;
    this.#rig.clock.time = window[0];
    this.#rig.element(window, this.#time === 'event' ? window[0] : NaN);
    const [fired] = this.#rig.take().out as { v?: { window: TimeWindow } }[];
    if (fired?.v === undefined) throw new Error(`the window ${window.join('..')} did not fire`);
    return { result: boundsOf(fired.v.window), merge: this.#call };
  }

  /** Lets event time pass the end of a session, so that it goes. */
  retire([start, end]: Bounds): void {
    if (this.live().some((other) => other[0] !== start && other[1] <= end))
      throw new NotApplicable('a session goes before one that ends earlier: time does not do that');
    this.#rig.signal({ kind: 'watermark', time: end - 1 });
    this.#rig.take();
  }

  /** Takes a snapshot and goes on from it. */
  persist(): void {
    this.#rig.snapshot('persist');
    this.#rig.restore('persist');
  }

  /** The sessions that are kept now. */
  live(): Bounds[] {
    return [...this.#rig.store.slots()].flatMap(({ live }) =>
      (live as { readonly windows: readonly TimeWindow[] }).windows.map(boundsOf),
    );
  }
}

/** Elements are windows; `session` would refuse empty ones. */
function anyWindow(time: WindowTime): SessionWindows<unknown> {
  return {
    kind: 'session',
    time,
    gap: 'dynamic',
    gapOf: (value) => (value as Bounds)[1] - (value as Bounds)[0],
  };
}

function boundsOf({ start, end }: TimeWindow): Bounds {
  return [start, end];
}
