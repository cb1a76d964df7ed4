/** The command line of the service: read with `parseArgs`, checked with zod, refused with every problem named. */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { TidemarkError, durationMs } from '../../src/index.js';
import type { Duration } from '../../src/index.js';

export interface ServiceCommand {
  readonly host: string;
  readonly port: number;
  /** Plays per second of the audience; undefined without one. */
  readonly rate: number | undefined;
  readonly seed: number;
  readonly lingerMs: number;
}

export const helpText = `A chart that moves: the most played songs of the last minute, over HTTP.

  npm run -s demo:service                   with an audience that posts plays
  npm run -s demo:service -- --no-audience  for plays of your own

  --port 8787       0 picks a free one
  --host 127.0.0.1  an address to listen at; others than this machine reach it only
                    if you say so
  --rate 60         plays per second of the audience, 1 to 2000
  --seed 1          of the audience: its taste is the same for the same seed
  --no-audience     nobody posts plays but you
  --linger 0s       how long it still answers while it is stopping, up to 1m
  --help

  POST /plays          {"song":"Monsoon"}, or an array of such; "at" (epoch ms, default
                       now) and "seconds" (default 30, fewer is a skip) may be given
  GET  /               the chart in a browser
  GET  /trends         the newest chart as JSON
  GET  /trends/stream  every chart, as server-sent events
  GET  /healthz        200 while the process lives
  GET  /readyz         503 while it is stopping, or when the pipeline has failed
`;

const wholeNumber = (minimum: number, maximum: number): z.ZodType<number> =>
  z
    .string()
    .refine(
      (given) => /^\d{1,10}$/.test(given) && Number(given) >= minimum && Number(given) <= maximum,
      `a whole number from ${minimum} to ${maximum}`,
    )
    .transform(Number);

const duration = (maximumMs: number): z.ZodType<number> =>
  z
    .string()
    .refine(
      (given) => (durationOf(given) ?? Infinity) <= maximumMs,
      `a duration such as 500ms or 5s, at most ${maximumMs / 1000}s`,
    )
    .transform((given) => durationOf(given) ?? 0);

const schema = z.strictObject({
  host: z.string().min(1, 'an address or a name of this machine').default('127.0.0.1'),
  port: wholeNumber(0, 65_535).default(8787),
  rate: wholeNumber(1, 2_000).optional(),
  seed: wholeNumber(0, 2 ** 32 - 1).optional(),
  linger: duration(60_000).default(0),
  'no-audience': z.boolean().default(false),
});

/**
 * Reads the arguments behind the name of the program.
 *
 * @throws TidemarkError OPTIONS_INVALID, with all problems in one line
 */
export function parseCommand(argv: readonly string[]): ServiceCommand | 'help' {
  const values = readArguments(argv);
  if (values['help'] === true) return 'help';
  const result = schema.safeParse(values);
  const problems = result.success
    ? misfits(result.data)
    : result.error.issues.map(({ path, message }) => {
        const option = String(path[0]);
        return {
          option: `--${option}`,
          expected: message,
          got: JSON.stringify(values[option]),
        };
      });
  if (!result.success || problems.length > 0)
    throw invalid({
      expected: problems.map(({ option, expected }) => `${option}: ${expected}`).join('; '),
      got: problems.map(({ got }) => got).join('; '),
      where: problems.map(({ option }) => option).join(', '),
    });
  const { host, port, rate = 60, seed = 1, linger, 'no-audience': isAlone } = result.data;
  return { host, port, rate: isAlone ? undefined : rate, seed, lingerMs: linger };
}

function misfits({ rate, seed, 'no-audience': isAlone }: z.output<typeof schema>) {
  const given = { '--rate': rate, '--seed': seed };
  return Object.entries(given)
    .filter(([, value]) => isAlone && value !== undefined)
    .map(([option]) => ({ option, expected: 'no --no-audience beside it', got: 'both' }));
}

function readArguments(argv: readonly string[]): Record<string, unknown> {
  const text = { type: 'string' } as const;
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        host: text,
        port: text,
        rate: text,
        seed: text,
        linger: text,
        'no-audience': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    return { ...values };
  } catch (error) {
    const got = error instanceof Error ? (error.message.split(/[.\n]/)[0] ?? '') : String(error);
    throw invalid({
      expected: 'the options that --help lists',
      got: got.charAt(0).toLowerCase() + got.slice(1),
      where: 'the command line',
    });
  }
}

function invalid(details: { expected: string; got: string; where: string }): TidemarkError {
  const hint = 'See npm run -s demo:service -- --help.';
  return new TidemarkError('OPTIONS_INVALID', { ...details, hint });
}

function durationOf(given: string): number | undefined {
  try {
    return durationMs(given as Duration, 'the command line');
  } catch {
    return undefined;
  }
}
