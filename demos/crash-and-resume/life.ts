/**
 * One life of the job: `tidemark run job.js --json` in a process of its own, followed by what it says of its progress,
 * and killed by SIGKILL, which no program can hear coming.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const commandLine = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const jobFile = fileURLToPath(new URL('job.js', import.meta.url));

/** How far a life is, as `tidemark run --json` says. */
export interface LifeProgress {
  /** undefined until the size of the input is known. */
  readonly percent: number | undefined;
  readonly records: number;
  readonly epoch: number;
}

export interface LifeOptions {
  readonly directory: string;
  /** `whole` or `killed`: where state and outputs lie. */
  readonly name: string;
  readonly paceMs: number;
  /** After it has recovered: where it goes on from. */
  readonly onStart: (from: { readonly epoch: number; readonly records: number }) => void;
  readonly onProgress: (progress: LifeProgress) => void;
}

export interface LifeEnd extends LifeProgress {
  readonly isKilled: boolean;
}

export interface Life {
  readonly ended: Promise<LifeEnd>;
  /** SIGKILL, at once. */
  kill(): void;
}

export function startLife(options: LifeOptions): Life {
  const { directory, name, paceMs } = options;
  const child = spawn(
    process.execPath,
    [commandLine, 'run', jobFile, '--json', '--progress', '100ms'],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        CRASH_DEMO_DIRECTORY: directory,
        CRASH_DEMO_LIFE: name,
        CRASH_DEMO_PACE_MS: String(paceMs),
      },
    },
  );
  let last: LifeProgress = { percent: undefined, records: 0, epoch: 0 };
  let failure: string | undefined;
  const onFact = (line: string): void => {
    const fact = JSON.parse(line) as {
      readonly type: string;
      readonly message?: string;
    } & LifeProgress;
    if (fact.type === 'started') options.onStart(fact);
    if (fact.type === 'error') failure = fact.message;
    if (fact.type !== 'progress' && fact.type !== 'finished') return;
    last = { percent: fact.percent, records: fact.records, epoch: fact.epoch };
    options.onProgress(last);
  };
  createInterface(child.stderr).on('line', onFact);
  const ended = new Promise<LifeEnd>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve({ ...last, isKilled: true });
      else if (code === 0) resolve({ ...last, isKilled: false });
      else reject(new Error(failure ?? `the job ended with ${code ?? signal}`));
    });
  });
  return { ended, kill: () => void child.kill('SIGKILL') };
}
