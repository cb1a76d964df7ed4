/**
 * `npm run torture -- --kills N --seed S`: kills a durable job again and again, by SIGKILL, at random moments and at
 * every named crash point, restarts it, and compares what it has written with a run that nobody killed.
 *
 * The same kills are then given to the job at-least-once, which must show duplicates: if it does not, the kills hit
 * nothing and the test calls itself inconclusive.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { crashPoints, type CrashPoint, type Guarantee } from '../../src/index.js';
import { seededRandom } from '../shared/random.js';
import { writeInput } from './input.js';
import type { TorturedOptions } from './job.js';

const CHILD = fileURLToPath(new URL('./child.js', import.meta.url));

interface Settings {
  readonly kills: number;
  readonly records: number;
  readonly random: () => number;
  readonly directory: string;
  readonly input: string;
}

interface Tally {
  kills: number;
  restarts: number;
  rounds: number;
  /** Lines of all rounds together. */
  readonly lines: string[];
  readonly points: Set<CrashPoint>;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '40' },
      seed: { type: 'string', default: '1' },
      records: { type: 'string', default: '60000' },
    },
  });
  const random = seededRandom(Number(values.seed));
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-torture-'));
  try {
    const settings = {
      kills: Number(values.kills),
      records: Number(values.records),
      random,
      directory,
      input: join(directory, 'plays.csv'),
    };
    return await torture(settings);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function torture(settings: Settings): Promise<number> {
  await writeInput(settings.input, settings);
  const started = Date.now();
  const reference = await life(settings, { name: 'reference', guarantee: 'exactly-once' });
  const runMs = Date.now() - started;
  if (!reference.hasFinished) throw new Error('the run without kills did not finish');
  const expected = await linesOf(join(settings.directory, 'reference'));
  say(`a run without kills takes ${runMs} ms and writes ${expected.length} lines`);

  const exact = await killAgainAndAgain(settings, {
    guarantee: 'exactly-once',
    kills: settings.kills,
    runMs,
  });
  const missed = crashPoints.filter((point) => !exact.points.has(point));
  if (missed.length > 0 && settings.kills >= crashPoints.length)
    say(`never killed at: ${missed.join(', ')}`);
  const difference = firstDifference(repeat(expected, exact.rounds), exact.lines);

  const control = await killAgainAndAgain(settings, {
    guarantee: 'at-least-once',
    kills: Math.max(12, Math.ceil(settings.kills / 3)),
    runMs,
  });
  const duplicates = control.lines.length - expected.length * control.rounds;
  say(`at-least-once under ${control.kills} kills: ${duplicates} duplicate lines`);
  const lost = lostLines(repeat(expected, control.rounds), control.lines);

  const verdict =
    difference ??
    (lost !== undefined
      ? `at-least-once lost ${lost}`
      : duplicates > 0
        ? undefined
        : 'inconclusive: at-least-once shows no duplicates');
  const records = settings.records * exact.rounds;
  console.log(
    `kills ${exact.kills}, restarts ${exact.restarts}, records ${records}, ${verdict ?? 'equal'}`,
  );
  return verdict === undefined && (missed.length === 0 || settings.kills < crashPoints.length)
    ? 0
    : 1;
}

/** Rounds of the job, each from empty state to its end, until it has been killed often enough. */
async function killAgainAndAgain(
  settings: Settings,
  { guarantee, kills, runMs }: { guarantee: Guarantee; kills: number; runMs: number },
): Promise<Tally> {
  const tally: Tally = { kills: 0, restarts: 0, rounds: 0, lines: [], points: new Set() };
  while (tally.kills < kills) {
    tally.rounds += 1;
    const name = `${guarantee}-${tally.rounds}`;
    for (let lives = 0; ; lives += 1) {
      if (lives > 0) tally.restarts += 1;
      const mayDie = tally.kills < kills && lives < 12;
      const death: Death = mayDie ? nextDeath(tally, settings.random, runMs) : {};
      const { hasFinished } = await life(settings, { name, guarantee, ...death });
      if (hasFinished) break;
      tally.kills += 1;
      if (death.dieAt !== undefined) tally.points.add(death.dieAt.point);
    }
    tally.lines.push(...(await linesOf(join(settings.directory, name))));
    say(`${guarantee}: round ${tally.rounds}, ${tally.kills} of ${kills} kills`);
  }
  return tally;
}

type Death = Pick<Life, 'dieAt' | 'afterMs'>;

/** First a death at every named point, then every second one at a named point, the others at a random moment. */
function nextDeath(tally: Tally, random: () => number, runMs: number): Death {
  const fresh = crashPoints.filter((point) => !tally.points.has(point));
  if (fresh.length === 0 && random() < 0.5) return { afterMs: Math.ceil(random() * runMs) };
  const choice = fresh.length > 0 ? fresh : crashPoints;
  const point = choice[Math.floor(random() * choice.length)] ?? 'epoch.flushed';
  return {
    dieAt: { point, visit: point.startsWith('recover') ? 1 : 1 + Math.floor(random() * 3) },
  };
}

interface Life {
  readonly name: string;
  readonly guarantee: Guarantee;
  readonly dieAt?: { readonly point: CrashPoint; readonly visit: number };
  readonly afterMs?: number;
}

/** Starts the job in a process of its own and waits for its end, natural or not. */
async function life(
  { input, directory }: Settings,
  { name, guarantee, dieAt, afterMs }: Life,
): Promise<{ hasFinished: boolean }> {
  const options: TorturedOptions = {
    input,
    directory: join(directory, name),
    guarantee,
    ...(dieAt === undefined ? {} : { dieAt }),
  };
  const child = spawn(process.execPath, ['--enable-source-maps', CHILD, JSON.stringify(options)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  const timer =
    afterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), afterMs);
  // Whatever hangs is a failure of the job, not a reason to wait for ever.
  const limit = setTimeout(() => child.kill('SIGABRT'), 120_000);
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode, exitSignal) => resolve([exitCode, exitSignal]));
  });
  clearTimeout(timer);
  clearTimeout(limit);
  if (signal === 'SIGKILL') return { hasFinished: false };
  if (code !== 0) throw new Error(`the job ended with ${signal ?? code}:\n${complaints}`);
  return { hasFinished: true };
}

/** All lines of the visible part files of both outputs, sorted: order between files means nothing. */
async function linesOf(directory: string): Promise<string[]> {
  const lines: string[] = [];
  for (const output of ['charts', 'silences']) {
    const folder = join(directory, output);
    for (const name of await readdir(folder)) {
      if (name.startsWith('.')) continue;
      const text = await readFile(join(folder, name), 'utf8');
      for (const line of text.split('\n')) if (line !== '') lines.push(`${output} ${line}`);
    }
  }
  return lines.sort();
}

function repeat(lines: readonly string[], times: number): string[] {
  return lines.flatMap((line) => new Array<string>(times).fill(line));
}

function firstDifference(expected: readonly string[], got: readonly string[]): string | undefined {
  const sorted = got.toSorted();
  for (let index = 0; index < Math.max(expected.length, sorted.length); index += 1)
    if (expected[index] !== sorted[index])
      return `first difference: expected ${expected[index] ?? 'nothing'}, got ${sorted[index] ?? 'nothing'}`;
  return undefined;
}

/** A line of the expected ones that is missing, however often the others were repeated. */
function lostLines(expected: readonly string[], got: readonly string[]): string | undefined {
  const left = new Map<string, number>();
  for (const line of got) left.set(line, (left.get(line) ?? 0) + 1);
  return expected.find((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0;
  });
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

process.exitCode = await main();
