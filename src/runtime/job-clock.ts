/** The timers that a job sleeps by: one for its epochs, one for whatever comes first of processing time and idleness. */
import type { Clock } from '../core/clock.js';
import type { AssembledJob } from './job-assembly.js';
import type { Wake } from './wake.js';

export interface SleepOptions {
  /** The steady clock of processing time. */
  readonly clock: Clock;
  /** The clock beneath it: epochs go by ms that pass, however slowly processing time catches up with a wall clock. */
  readonly wall: Clock;
  readonly wake: Wake;
  /** When to look at the epochs again, monotonic ms. */
  readonly epochAt: number;
}

/** Sets them, to ring at their times. Returns what cancels them. */
export function armClock(
  { tasks, splits, sourceTask }: AssembledJob,
  { clock, wall, wake, epochAt }: SleepOptions,
): () => void {
  const now = clock.now();
  let at = Math.min(Infinity, ...tasks.map((task) => task.nextTick()));
  for (const { pump, taskInput } of splits)
    for (const { generator } of sourceTask.wiring.inputs[taskInput]?.generators ?? []) {
      if (generator === undefined || pump.hasEnded || generator.isIdle(taskInput)) continue;
      const leftMs = generator.polledInVain(taskInput, pump.polledInVainMs(now));
      if (leftMs !== Infinity) at = Math.min(at, now + leftMs);
      if (!generator.isIdle(taskInput)) continue;
      // It has just become idle: what it was holding back goes on at once.
      sourceTask.requestWalk();
      wake.ring();
    }
  const ring = (): void => wake.ring();
  const epochInMs = Math.max(0, epochAt - wall.elapsed());
  const cancels = [
    ...(at === Infinity ? [] : [clock.setTimer(at, ring)]),
    ...(epochInMs === Infinity ? [] : [wall.setTimer(wall.now() + epochInMs, ring)]),
  ];
  return () => cancels.forEach((cancel) => cancel());
}
