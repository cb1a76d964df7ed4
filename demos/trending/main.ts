/** The program behind `npm run demo`: what is trending in a music service, or in a file of yours. */
import { setTimeout as sleep } from 'node:timers/promises';
import { runDemo } from './demo.js';

process.exitCode = await runDemo(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  now: () => performance.now(),
  sleep: (ms) => sleep(ms),
  onInterrupt(listener) {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, listener);
    return () => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, listener);
    };
  },
});
