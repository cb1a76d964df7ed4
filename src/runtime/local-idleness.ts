/** Idle inputs of a graph that runs here: whoever has pushed nothing for a while no longer holds the others back. */
import type { Task } from './task.js';

/**
 * Milliseconds until the next split becomes idle, asked without making any idle.
 *
 * @param lastAt when each input had its last element, epoch ms
 */
export function idleIn(task: Task, lastAt: readonly number[], now: number): number {
  let soonest = Infinity;
  for (const [input, wired] of task.wiring.inputs.entries())
    for (const { generator } of wired.generators) {
      const left = generator?.polledInVain(input, 0) ?? Infinity;
      if (left !== Infinity)
        soonest = Math.min(soonest, Math.max(1, left - (now - (lastAt[input] ?? now))));
    }
  return soonest;
}

/** Makes those idle that have been silent for long enough, and asks for the walk that they were holding back. */
export function checkIdleness(task: Task, lastAt: readonly number[], now: number): void {
  for (const [input, wired] of task.wiring.inputs.entries())
    for (const { generator } of wired.generators)
      if (generator?.polledInVain(input, now - (lastAt[input] ?? now)) === Infinity)
        task.requestWalk();
}
