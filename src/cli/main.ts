#!/usr/bin/env node
/** The program behind `tidemark`: hands the process to `runCli`, and ends with the exit code that it gives. */
import { createRequire } from 'node:module';
import { systemClock } from '../core/clock.js';
import { runCli } from './cli.js';

const require = createRequire(import.meta.url);
const { version } = require('tidemark/package.json') as { readonly version: string };
const features = process.features as { readonly typescript?: unknown };
const signals = ['SIGINT', 'SIGTERM'] as const;

// Who has read enough may leave; a job goes on, because its outputs are its own affair.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

const code = await runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  clock: systemClock,
  version,
  modules: {
    directory: process.cwd(),
    version: process.versions.node,
    stripsTypes: features.typescript === 'strip' || features.typescript === 'transform',
    import: (url) => import(url),
  },
  onSignal(listener) {
    for (const signal of signals) process.on(signal, listener);
    return () => {
      for (const signal of signals) process.off(signal, listener);
    };
  },
});
// What a job file has left open, such as a pool of connections, must not keep a finished job alive.
for (const stream of [process.stdout, process.stderr])
  await new Promise<void>((resolve) => {
    if (stream.writableLength === 0 || stream.destroyed) resolve();
    else stream.write('', () => resolve());
  });
process.exit(code);
