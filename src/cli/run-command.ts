/** `tidemark run`: starts a job, tells how far it is, and stops it in good order when asked to. */
import { serveMetrics, type MetricsServer } from '../connectors/metrics-server.js';
import { durationMs, type Duration } from '../core/duration.js';
import type { RunOptions } from '../run-options.js';
import type { Run } from '../run.js';
import type { RunStatus, RunSummary } from '../runtime/job-options.js';
import { spanText } from '../runtime/time-words.js';
import type { Invocation } from './arguments.js';
import { isCoded } from './error-text.js';
import { exitCodes, type CliIo } from './io.js';
import type { JobDefinition, OptionChanges } from './define-job.js';
import { ProgressMeter, amount, lossesText, progressText } from './progress.js';
import type { Speech } from './speech.js';

interface Surroundings {
  readonly values: Invocation['values'];
  readonly speech: Speech;
  readonly io: CliIo;
  /** Directory of a savepoint. */
  readonly resumeFrom?: string;
}

/** How often progress is told: as often as it can be read on a terminal, now and then in a log. */
const LIVE_MS = 200;
const LINES_MS = 5000;
/** What a run is given to close after an abort. Nothing is lost when it does not: that is like a crash. */
const PATIENCE_MS = 2000;

export async function runJob(job: JobDefinition, surroundings: Surroundings): Promise<number> {
  const { values, speech, io } = surroundings;
  const aborting = new AbortController();
  const startedAt = io.clock.elapsed();
  const run = job.run((defined) => changesOf(defined, surroundings, aborting.signal));
  const endSignals = listenToSignals(run, aborting, surroundings);
  const endProgress =
    values['quiet'] === true ? () => {} : tellProgress(job.name, run, surroundings);
  let server: MetricsServer | undefined;
  try {
    server = await metricsServer(run, surroundings, aborting);
    const summary = await Promise.race([run.done, patienceEnds(aborting.signal, io)]);
    endProgress();
    const elapsedMs = io.clock.elapsed() - startedAt;
    speech.note(
      { ...factsOfSummary(job.name, summary), elapsedMs },
      summaryText(summary, elapsedMs),
    );
    return exitCodes.done;
  } catch (error) {
    endProgress();
    if (error instanceof Refused) throw error.error;
    if (!aborting.signal.aborted) throw error;
    speech.note(
      { type: 'aborted', job: job.name },
      'Aborted: the next run goes on from the last commit.',
    );
    return exitCodes.aborted;
  } finally {
    endSignals();
    await server?.close();
  }
}

/** Opened beside the run, not before it: a job is asked about while it recovers, too. */
async function metricsServer(
  run: Run,
  { values, speech }: Surroundings,
  aborting: AbortController,
): Promise<MetricsServer | undefined> {
  const { metrics, 'metrics-host': host } = values;
  if (metrics === undefined) return undefined;
  try {
    const address = { port: Number(metrics), ...(typeof host === 'string' ? { host } : {}) };
    const server = await serveMetrics(run, address);
    speech.note({ type: 'metrics', url: server.url }, `Metrics: ${server.url}/metrics`);
    return server;
  } catch (error) {
    aborting.abort(error);
    await run.done.catch(() => undefined);
    throw new Refused(error);
  }
}

/** What ended the run before it had begun, so that it is not taken for an abort by the user. */
class Refused extends Error {
  readonly error: unknown;

  constructor(error: unknown) {
    super('refused');
    this.error = error;
  }
}

function changesOf(
  given: RunOptions<unknown, unknown>,
  { values, speech, resumeFrom }: Surroundings,
  signal: AbortSignal,
): OptionChanges {
  const parallelism = values['parallelism'];
  const signals = given.signal === undefined ? [signal] : [given.signal, signal];
  return {
    signal: AbortSignal.any(signals),
    ...(given.logger === undefined ? { logger: speech.logger() } : {}),
    ...(parallelism === undefined ? {} : { parallelism: Number(parallelism) }),
    ...(resumeFrom === undefined ? {} : { resumeFrom }),
    ...(values['rewind'] === true ? { rewind: true } : {}),
    ...(values['allow-non-restored-state'] === true ? { allowNonRestoredState: true } : {}),
  };
}

/** The first signal stops with a last commit, the second one means it. */
function listenToSignals(
  run: Run,
  aborting: AbortController,
  { values, speech, io }: Surroundings,
): () => void {
  const { savepoint } = values;
  let signals = 0;
  return io.onSignal((signal) => {
    signals += 1;
    if (signals > 1) {
      aborting.abort(new Error(`a second signal: ${signal}`));
      return;
    }
    const text = `${signal}: stopping with a last commit; once more to abort`;
    speech.note({ type: 'stopping', signal }, text);
    if (typeof savepoint !== 'string') return void run.stop().catch(() => undefined);
    run.stopWithSavepoint(savepoint, { drain: values['drain'] === true }).then(
      () => tellSavepoint(savepoint, speech),
      (error: unknown) => {
        // The directory holds one already: the job goes on, and the next signal asks anew.
        if (!isCoded(error) || error.code !== 'OPTIONS_INVALID') return;
        signals = 0;
        speech.error(error);
      },
    );
  });
}

/** A job that does not run is started with its intake closed, so nothing is read on the way. */
export async function savepointOf(
  job: JobDefinition,
  directory: string,
  surroundings: Surroundings,
): Promise<number> {
  const { values, speech, io } = surroundings;
  const { signal } = new AbortController();
  const run = job.run((defined) => changesOf(defined, surroundings, signal));
  const startedAt = io.clock.elapsed();
  // Where the target is refused, the job has not been stopped.
  const stopping = run.stopWithSavepoint(directory, { drain: values['drain'] === true });
  const summary = await stopping.catch(async (error: unknown) => {
    await run.stop().catch(() => undefined);
    throw error;
  });
  const elapsedMs = io.clock.elapsed() - startedAt;
  speech.note({ ...factsOfSummary(job.name, summary), elapsedMs }, summaryText(summary, elapsedMs));
  tellSavepoint(directory, speech);
  return exitCodes.done;
}

function tellSavepoint(directory: string, speech: Speech): void {
  speech.note({ type: 'savepoint', directory }, `Savepoint: ${directory}`);
}

/** Rejects a while after an abort: a sink that hangs must not keep a process that was told twice to end. */
function patienceEnds(signal: AbortSignal, { clock }: CliIo): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => {
      clock.setTimer(clock.now() + PATIENCE_MS, () => reject(signal.reason as Error));
    });
  });
}

function tellProgress(name: string, run: Run, { values, speech, io }: Surroundings): () => void {
  const meter = new ProgressMeter();
  let latest: RunStatus | undefined;
  let isResumed: boolean | undefined;
  const subscription = run.status$.subscribe((status) => {
    latest = status;
    if (isResumed !== undefined || status.phase !== 'running') return;
    isResumed = status.epoch > 0;
    meter.look(status, io.clock.elapsed());
    const { epoch, records } = status;
    const from = isResumed ? `goes on after epoch ${epoch}, ${amount(records)} records` : 'begins';
    speech.note({ type: 'started', job: name, epoch, records }, `${name} ${from}`);
  });
  const { progress } = values;
  const byDefault = speech.isLive ? LIVE_MS : LINES_MS;
  const everyMs =
    progress === undefined
      ? byDefault
      : Math.max(50, durationMs(progress as Duration, '--progress'));
  let cancel = (): void => {};
  const arm = (): void => {
    cancel = io.clock.setTimer(io.clock.now() + everyMs, () => {
      if (latest !== undefined) {
        const facts = meter.look(latest, io.clock.elapsed());
        speech.progress(facts as typeof facts & Record<string, unknown>, progressText(facts));
      }
      arm();
    });
  };
  arm();
  return () => {
    cancel();
    subscription.unsubscribe();
  };
}

function factsOfSummary(
  job: string,
  summary: RunSummary,
): { type: string } & Record<string, unknown> {
  const { phase, watermark, ...rest } = summary;
  return {
    type: phase,
    job,
    ...rest,
    watermark: Number.isFinite(watermark) ? watermark : undefined,
  };
}

function summaryText(summary: RunSummary, elapsedMs: number): string {
  const { phase, records, epoch, alreadyFinished } = summary;
  const facts = [`${amount(records)} records`, `epoch ${epoch}`, ...lossesText(summary)];
  if (alreadyFinished)
    return `Already finished by an earlier run: ${facts.join(', ')}. Begin with an empty state to run it again.`;
  const spent = spanText(elapsedMs < 10_000 ? Math.round(elapsedMs / 100) * 100 : elapsedMs);
  return phase === 'stopped'
    ? `Stopped after ${spent}: ${facts.join(', ')}. The next run goes on from here.`
    : `Finished after ${spent}: ${facts.join(', ')}.`;
}
