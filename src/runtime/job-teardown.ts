/**
 * The end of an attempt: everything that it has opened is closed, also when something refuses or hangs.
 *
 * An attempt that has failed must be gone before the next one begins, or two would write at once. So what it has opened
 * is waited for, but not for ever: a sink that hangs in a write may also hang in its close.
 */
import type { Clock } from '../core/clock.js';
import type { StateBackend } from '../state/backend.js';
import type { AssembledJob } from './job-assembly.js';
import type { JobCopies } from './job-copies.js';
import { guardState } from './state-guard.js';
import type { EpochDriver } from './job-epochs.js';

/** For the commit under way, for the sinks, and for the state, each. */
const PATIENCE_MS = 10_000;
/** The same for a run that is to end at once. */
const ABORT_PATIENCE_MS = 500;

export interface Remains {
  readonly parts: AssembledJob | undefined;
  readonly epochs: EpochDriver | undefined;
  readonly backend: StateBackend | undefined;
  readonly copies: JobCopies;
  /** Where the state lives, for errors. */
  readonly where: string;
}

/** Closes after a good end; the first refusal is thrown once everything else is closed. */
export async function closeAll({ parts, backend, where }: Remains): Promise<void> {
  const refusals = stopAll(parts);
  const closing = (parts?.sinks ?? []).map((sink) => sink.close());
  const results = await Promise.allSettled([
    ...closing,
    guardState(where, async () => backend?.close()),
  ]);
  for (const result of results) if (result.status === 'rejected') refusals.push(result.reason);
  if (refusals.length > 0) throw refusals[0];
}

/**
 * Closes after a failure, within a bounded time. Returns what did not come to an end, in words.
 *
 * @param options.isAbort somebody wants the end now: the commit under way is given up
 */
export async function abandonAll(
  { parts, epochs, backend, copies }: Remains,
  { clock, isAbort }: { clock: Clock; isAbort: boolean },
): Promise<string[]> {
  stopAll(parts);
  const hanging: string[] = [];
  const patienceMs = isAbort ? ABORT_PATIENCE_MS : PATIENCE_MS;
  const within = async (what: string, work: Promise<unknown>): Promise<void> => {
    if (!(await settlesWithin(work, patienceMs, clock))) hanging.push(what);
  };
  // A commit that is under way ends first: its store must not be closed under it.
  if (epochs?.isHanging === false && !isAbort) await within('the commit', settled(epochs));
  epochs?.abandon();
  await within('a snapshot', copies.abandon());
  await Promise.all((parts?.sinks ?? []).map((sink) => within(`sink "${sink.uid}"`, sink.close())));
  if (backend !== undefined) await within('the state', backend.close());
  return hanging;
}

/**
 * For what has been left to itself because the run is to end at once: gives it a moment. When it comes later, what it
 * has opened by then is closed as well. Returns whether it is late.
 */
export async function abandonLate(
  pending: Promise<void>,
  remains: () => Remains,
  clock: Clock,
): Promise<boolean> {
  if (await settlesWithin(pending, ABORT_PATIENCE_MS, clock)) return false;
  const close = (): Promise<unknown> => abandonAll(remains(), { clock, isAbort: true });
  void pending.then(close, close).catch(() => undefined);
  return true;
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
