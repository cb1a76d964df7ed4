/** The program behind `npm run demo:service`: a live chart over HTTP, fed by an invented audience. */
import { realClock } from './clock.js';
import { runProgram } from './program.js';

// `demo:service | head -1` has read the address, and the service goes on.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

const signals = ['SIGINT', 'SIGTERM'] as const;

const { code, isAborted } = await runProgram(process.argv.slice(2), {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  clock: realClock,
  onSignal(listener) {
    for (const signal of signals) process.on(signal, listener);
    return () => {
      for (const signal of signals) process.off(signal, listener);
    };
  },
});
// A graceful end leaves nothing open, so the process ends by itself, and a leak would be seen.
process.exitCode = code;
if (isAborted) process.exit(code);
