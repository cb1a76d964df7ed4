/**
 * Signals of the operating system, for a job that was told to listen: the first one stops it in good order, the second
 * one ends it at once.
 */
import { TidemarkError } from '../core/errors.js';
import type { Logger, Signals, StopSignal } from '../core/runtime.js';

export interface Stoppable {
  stop(): void;
  fail(error: unknown): void;
}

/** Listens until the returned function is called. */
export function stopOnSignals(
  job: Stoppable,
  { name, signals, log }: { name: string; signals: Signals; log: Logger },
): () => void {
  let isStopping = false;
  const on = (signal: StopSignal): void => {
    if (isStopping) {
      job.fail(interrupted(name, signal));
      return;
    }
    isStopping = true;
    log.info({ signal }, 'stopping in good order; a second signal ends the run at once');
    job.stop();
  };
  const listening = (['SIGTERM', 'SIGINT'] as const).map((signal) =>
    signals.on(signal, () => on(signal)),
  );
  return () => listening.forEach((remove) => remove());
}

function interrupted(name: string, signal: string): TidemarkError {
  return new TidemarkError('RUN_CANCELLED', {
    expected: 'the end of the last epoch',
    got: `a second signal, ${signal}`,
    where: `run("${name}")`,
    hint: 'Run it again to go on from the last commit.',
  });
}
