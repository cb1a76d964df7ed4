/** What the command line is given from outside, and the exit codes that it gives back. */
import type { Clock } from '../core/clock.js';
import type { ModuleLoader } from './job-file.js';

/** The part of a writable stream that is needed; `process.stdout` has it. */
export interface CliStream {
  write(text: string): boolean;
  on(event: 'drain' | 'close', listener: () => void): unknown;
  off(event: 'drain' | 'close', listener: () => void): unknown;
  /** False once the reader has left. */
  readonly writable?: boolean;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** A fact: `type` says what it is about. */
export type Fact = { readonly type: string } & Readonly<Record<string, unknown>>;

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
