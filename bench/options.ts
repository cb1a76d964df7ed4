/** What may stand behind `npm run bench --`. */
import { parseArgs } from 'node:util';

export interface Options {
  /** One JSON object per figure and verdict instead of tables. */
  readonly json: boolean;
  /** Cases whose name begins with it. Default: all. */
  readonly caseName: string;
  /** Measured runs of each variant. */
  readonly runs: number;
  /** An eighth of the events and three runs: for a first look, not for a conclusion. */
  readonly quick: boolean;
  /** Set in the processes that do the measuring. */
  readonly child: boolean;
}

export const usage = `npm run bench -- [--case NAME] [--runs N] [--quick] [--json]

  --case NAME   only the cases whose name begins with NAME
  --runs N      measured runs of each variant; default 7
  --quick       an eighth of the events, three runs
  --json        one line of JSON per figure, and per verdict on what has to be reached

All of it takes about half an hour, with --quick ten minutes.`;

export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      case: { type: 'string', default: '' },
      runs: { type: 'string' },
      quick: { type: 'boolean', default: false },
      child: { type: 'boolean', default: false },
    },
  });
  const { json, quick, child, case: caseName } = values;
  const runs = values.runs === undefined ? (quick ? 3 : 7) : Number(values.runs);
  if (!Number.isSafeInteger(runs) || runs < 1)
    throw new Error(`expected --runs with a whole number > 0, got ${values.runs}`);
  return { json, caseName, runs, quick, child };
}
