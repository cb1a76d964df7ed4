/** Lives of a tortured job: each a process of its own, which ends by itself, by a signal, or by a planned death. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Random } from '../shared/random.js';
import { pick, pickIndex } from '../shared/random.js';
import type { CrashPoint } from '../../src/index.js';
import { FAILURES, type LifeOptions } from './job.js';

const CHILD = fileURLToPath(new URL('./child.js', import.meta.url));

/** What befalls a life: death at a named point, or a signal after a while, or calls of sinks that fail. */
export interface Fate {
  readonly dieAt?: { readonly point: CrashPoint; readonly visit: number };
  readonly signal?: { readonly name: 'SIGKILL' | 'SIGTERM'; readonly afterMs: number };
  readonly failing?: { readonly seed: number; readonly share: number };
}

export type Ending = 'finished' | 'stopped' | 'killed';

/** First deaths at every named point; then those and deaths at random moments. With stops and failing sinks between. */
export function drawFate(
  { points, missing }: { points: readonly CrashPoint[]; missing: readonly CrashPoint[] },
  { random, runMs }: { random: Random; runMs: number },
): Fate {
  const afterMs = Math.ceil(random() * runMs);
  const failing = { seed: pickIndex(random, 1e9), share: 0.03 };
  const restarting = random() < 0.3 ? { failing } : {};
  const kind = random();
  if (kind < 0.15) return { ...restarting, signal: { name: 'SIGTERM', afterMs } };
  if (missing.length === 0 && kind < 0.55)
    return { ...restarting, signal: { name: 'SIGKILL', afterMs } };
  const point = pick(random, missing.length > 0 ? missing : points);
  const isMetOnce = point.startsWith('recover.') || point.endsWith('.opened');
  const dieAt = { point, visit: isMetOnce ? 1 : 1 + pickIndex(random, 3) };
  return { ...restarting, dieAt };
}

/** Deaths that leave outputs of an epoch that is not committed: at-least-once must repeat them. */
export function drawRepeatingFate({ random, runMs }: { random: Random; runMs: number }): Fate {
  if (random() < 0.3) return { signal: { name: 'SIGKILL', afterMs: Math.ceil(random() * runMs) } };
  const point = pick(random, ['epoch.prepared', 'epoch.written', 'epoch.flushed'] as const);
  return { dieAt: { point, visit: 1 + pickIndex(random, 3) } };
}

/** Starts the job in a process of its own and waits for its end, natural or not. */
export async function live(options: LifeOptions, signal?: Fate['signal']): Promise<Ending> {
  const child = spawn(process.execPath, ['--enable-source-maps', CHILD, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let complaints = '';
  let last = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  child.stdout.setEncoding('utf8').on('data', (text: string) => (last += text));
  const timer =
    signal === undefined ? undefined : setTimeout(() => child.kill(signal.name), signal.afterMs);
  // Whatever hangs is a failure of the job, not a reason to wait for ever.
  const limit = setTimeout(() => child.kill('SIGABRT'), 120_000);
  const [code, by] = await new Promise<[number | null, string | null]>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode, exitSignal) => resolve([exitCode, exitSignal]));
  });
  clearTimeout(timer);
  clearTimeout(limit);
  if (by === 'SIGKILL') return 'killed';
  // Before it listens, a job ends by SIGTERM as any process does; that is no kill.
  if (by === 'SIGTERM' && signal?.name === by) return 'stopped';
  const said = JSON.parse(last === '' ? '{}' : last) as { phase?: string; code?: string };
  // A stop makes one more attempt when a sink fails, not as many as the job would.
  const isStopInVain =
    signal?.name === 'SIGTERM' && options.failing !== undefined && said.code === 'SINK_FAILED';
  if (isStopInVain) return 'stopped';
  if (code !== 0) throw new Error(`${options.job} ended with ${by ?? code}:\n${complaints}`);
  if (said.phase === 'finished' || said.phase === 'stopped') return said.phase;
  throw new Error(`${options.job} ended in the phase ${said.phase}`);
}

/** How many calls of sinks were made to fail in all lives of a round. */
export async function failuresIn(directory: string): Promise<number> {
  const marks = await readFile(join(directory, FAILURES), 'utf8').catch(() => '');
  return marks.length;
}
