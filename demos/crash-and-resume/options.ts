/** The command line of the demo. */
import { parseArgs } from 'node:util';

export interface CrashOptions {
  readonly events: number;
  readonly seed: number;
  /** Per cents of the input at which it kills the job by itself, ascending; none: a key does. */
  readonly killAt: readonly number[];
  readonly keep: boolean;
}

export const helpText = `npm run demo:crash -- [options]

Runs a job twice over the same plays: once in peace, and once while it is killed. Then it compares
what both have written. On a terminal a key press kills; elsewhere it dies at 40 %.

  --kill-at 40%       die by itself there; 20%,60% dies twice
  --events 400000     how many plays
  --seed 7            which plays
  --keep              leave the directory with input, state and outputs behind
  --help              this text`;

/** The options, or what is wrong with them as text. */
export function parseCrashOptions(
  argv: readonly string[],
  isTerminal: boolean,
): CrashOptions | { readonly text: string; readonly code: number } {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        'kill-at': { type: 'string' },
        events: { type: 'string', default: '400000' },
        seed: { type: 'string', default: '7' },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return { text: helpText, code: 0 };
    const killAt = values['kill-at'] ?? (isTerminal ? '' : '40%');
    return {
      events: wholeNumber(values.events, '--events', 10_000_000),
      seed: wholeNumber(values.seed, '--seed', 2 ** 32),
      killAt:
        killAt === ''
          ? []
          : killAt
              .split(',')
              .map(percent)
              .toSorted((a, b) => a - b),
      keep: values.keep,
    };
  } catch (error) {
    return { text: `${(error as Error).message}\n\n${helpText}`, code: 2 };
  }
}

function wholeNumber(text: string, option: string, most: number): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1 && number <= most) return number;
  throw new Error(
    `${option}: expected a whole number from 1 to ${most}, got ${JSON.stringify(text)}`,
  );
}

function percent(text: string): number {
  const number = Number(text.replace(/%$/, ''));
  if (/^\d+(?:\.\d+)?%?$/.test(text) && number > 0 && number < 100) return number;
  throw new Error(`--kill-at: expected per cents between 0 and 100, got ${JSON.stringify(text)}`);
}
