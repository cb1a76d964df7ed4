/**
 * How a law is checked: with a random seed, and with one command to replay what failed.
 *
 *     check('watermarks never go back', fc.property(elements, (given) => { … }), { runs: 200 });
 *
 * Three variables steer a run:
 *
 *     TIDEMARK_RUNS=20             twenty times as many cases of every law
 *     TIDEMARK_SEED=17             the same cases as another run with that seed
 *     TIDEMARK_PATH=3:0:1          with the seed: only the one case that failed
 *
 * The seed is random otherwise, on purpose: a fixed seed checks the same cases for ever. What fails once is printed
 * together with the command that shows it again, and is worth a named example of its own.
 */
import fc from 'fast-check';
import { test } from 'vitest';

/** A property of fast-check, synchronous or not, over whatever values. */
export type Property = fc.IRawProperty<unknown>;

export interface CheckOptions {
  /** How many cases are tried when TIDEMARK_RUNS is not given. Default: 100. */
  readonly runs?: number;
  /** How long one law may take, per unit of TIDEMARK_RUNS. Default: 20,000. */
  readonly timeoutMs?: number;
}

/** What the environment asks for. */
export interface Settings {
  readonly runsFactor: number;
  readonly seed: number | undefined;
  readonly path: string | undefined;
}

/** Which law is being checked, as a command line would name it. */
export interface Law {
  readonly file: string;
  /** The names of the enclosing `describe`s and the name of the law, joined by spaces. */
  readonly name: string;
}

/** Registers a test that tries to break a law. */
export function check(name: string, property: Property, options: CheckOptions = {}): void {
  const settings = readSettings(process.env);
  const timeoutMs = timeLimit(options, settings);
  test(name, { timeout: timeoutMs + 10_000 }, async ({ task }) => {
    const names = [task.name];
    for (let { suite } = task; suite !== undefined; suite = suite.suite) names.unshift(suite.name);
    await assertLaw(property, { file: task.file.name, name: names.join(' ') }, options, settings);
  });
}

/** Throws when a case breaks the law; the message ends with the command that replays it. */
export async function assertLaw(
  property: Property,
  law: Law,
  options: CheckOptions,
  settings: Settings,
): Promise<void> {
  const details = await fc.check(property, {
    numRuns: Math.max(1, Math.round((options.runs ?? 100) * settings.runsFactor)),
    // A law that is out of time must still print its seed, so fast-check stops before the test runner does.
    interruptAfterTimeLimit: timeLimit(options, settings),
    markInterruptAsFailure: true,
    ...(settings.seed === undefined ? {} : { seed: settings.seed }),
    ...(settings.path === undefined ? {} : { path: settings.path }),
  });
  if (!details.failed) return;
  const path = details.counterexamplePath ?? undefined;
  const report = [
    fc.defaultReportMessage(details) ?? 'The law was broken.',
    '',
    `seed ${details.seed}, path ${path ?? '(none: no single case failed)'}`,
    `replay: ${replayCommand(law, details.seed, path)}`,
  ].join('\n');
  throw new Error(report, { cause: details.errorInstance });
}

/** One line for a POSIX shell. The name is a pattern to Vitest, so its special characters are escaped. */
export function replayCommand(law: Law, seed: number, path: string | undefined): string {
  const pattern = law.name.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
  const variables =
    path === undefined ? `TIDEMARK_SEED=${seed}` : `TIDEMARK_SEED=${seed} TIDEMARK_PATH=${path}`;
  return `${variables} npx vitest run ${law.file} -t ${quote(pattern)}`;
}

/** Reads the variables. A value that is not a number stops the run: it would be a check of something else. */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const runsFactor = readNumber(environment, 'TIDEMARK_RUNS') ?? 1;
  if (runsFactor <= 0)
    throw new RangeError(`TIDEMARK_RUNS: expected more than 0, got ${runsFactor}`);
  const seed = readNumber(environment, 'TIDEMARK_SEED');
  const path = environment['TIDEMARK_PATH'];
  if (path === undefined || path === '') return { runsFactor, seed, path: undefined };
  if (seed === undefined) throw new RangeError('TIDEMARK_PATH means nothing without TIDEMARK_SEED');
  return { runsFactor, seed, path };
}

function readNumber(environment: NodeJS.ProcessEnv, name: string): number | undefined {
  const text = environment[name];
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (!Number.isFinite(value)) throw new RangeError(`${name}: expected a number, got "${text}"`);
  return value;
}

function timeLimit(options: CheckOptions, { runsFactor }: Settings): number {
  return (options.timeoutMs ?? 20_000) * Math.max(1, runsFactor);
}

/** Double quotes when the text is harmless between them, else single quotes, where nothing is special. */
function quote(text: string): string {
  return /^[^"$\\`!]*$/.test(text) ? `"${text}"` : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
