/** What the command line is given from outside, and the exit codes that it gives back. */
import type { Clock } from '../core/clock.js';
import type { ModuleLoader } from './job-file.js';
import type { CliStream } from './speech.js';

export interface CliIo {
  readonly stdout: CliStream;
  readonly stderr: CliStream;
  readonly clock: Clock;
  readonly modules: ModuleLoader;
  /** Of the package. */
  readonly version: string;
  /** Calls back for each SIGINT and SIGTERM; returns a function that ends that. */
  readonly onSignal: (listener: (signal: string) => void) => () => void;
}

/** What the process ends with; `docs/cli.md` says the same. */
export const exitCodes = { done: 0, failed: 1, usage: 2, different: 3, aborted: 130 } as const;
