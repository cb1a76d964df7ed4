/**
 * The end of an attempt: everything that it has opened is closed, also when something refuses or hangs.
 *
 * An attempt that has failed must be gone before the next one begins, or two would write at once. So what it has opened
 * is waited for, but not for ever: a sink that hangs in a write may also hang in its close.
 */
import type { Clock } from '../core/clock.js';
import type { StateBackend } from '../state/backend.js';
import type { AssembledJob } from './job-assembly.js';
import type { EpochDriver } from './job-epochs.js';

/** For the commit under way, for the sinks, and for the state, each. */
const PATIENCE_MS = 10_000;

export interface Remains {
  readonly parts: AssembledJob | undefined;
  readonly epochs: EpochDriver | undefined;
  readonly backend: StateBackend | undefined;
}

/** Closes after a good end; the first refusal is thrown once everything else is closed. */
export async function closeAll({ parts, backend }: Remains): Promise<void> {
  const refusals = stopAll(parts);
  const closing = (parts?.sinks ?? []).map((sink) => sink.close());
  const results = await Promise.allSettled([...closing, backend?.close()]);
  for (const result of results) if (result.status === 'rejected') refusals.push(result.reason);
  if (refusals.length > 0) throw refusals[0];
}

/** Closes after a failure, within a bounded time. Returns what did not come to an end, in words. */
export async function abandonAll(
  { parts, epochs, backend }: Remains,
  clock: Clock,
): Promise<string[]> {
  stopAll(parts);
  const hanging: string[] = [];
  const within = async (what: string, ms: number, work: Promise<unknown>): Promise<void> => {
    if (!(await settlesWithin(work, ms, clock))) hanging.push(what);
  };
  // A commit that is under way ends first: its store must not be closed under it.
  if (epochs?.isHanging === false) await within('the commit', PATIENCE_MS, settled(epochs));
  epochs?.abandon();
  await Promise.all(
    (parts?.sinks ?? []).map((sink) => within(`sink "${sink.uid}"`, PATIENCE_MS, sink.close())),
  );
  if (backend !== undefined) await within('the state', PATIENCE_MS, backend.close());
  return hanging;
}

async function settled(epochs: EpochDriver | undefined): Promise<void> {
  await epochs?.settled();
}

/** Stops what can be stopped at once. Returns what refused. */
function stopAll(parts: AssembledJob | undefined): unknown[] {
  const refusals: unknown[] = [];
  for (const { pump } of parts?.splits ?? []) pump.stop();
  for (const task of parts?.tasks ?? [])
    try {
      task.wiring.close();
    } catch (error) {
      refusals.push(error);
    }
  return refusals;
}

/** Whether it settles, well or badly, before so many ms have passed. */
export async function settlesWithin(
  work: Promise<unknown>,
  ms: number,
  clock: Clock,
): Promise<boolean> {
  let cancel = (): void => undefined;
  const patience = new Promise<boolean>((resolve) => {
    cancel = clock.setTimer(clock.now() + ms, () => resolve(false));
  });
  const end = work.then(
    () => true,
    () => true,
  );
  const isSettled = await Promise.race([end, patience]);
  cancel();
  return isSettled;
}
