/** The one timer that a job sleeps by, for whatever comes first: an epoch, a processing-time timer, or an idle split. */
import type { Clock } from '../core/clock.js';
import type { AssembledJob } from './job-assembly.js';
import type { Wake } from './wake.js';

/**
 * Sets it, and rings at its time. Returns what cancels it.
 *
 * @param options.epochAt when to look at the epochs again, monotonic ms
 */
export function armClock(
  { tasks, splits, sourceTask }: AssembledJob,
  { clock, wake, epochAt }: { clock: Clock; wake: Wake; epochAt: number },
): () => void {
  const now = clock.now();
  const epochInMs = Math.max(0, epochAt - clock.elapsed());
  let at = Math.min(now + epochInMs, ...tasks.map((task) => task.nextTick()));
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
  return at === Infinity ? () => undefined : clock.setTimer(at, () => wake.ring());
}
