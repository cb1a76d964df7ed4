/** The program as a function: arguments in, lines out, an exit code back; so that a test can run all of it. */
import { TidemarkError } from '../../src/index.js';
import { AudienceLoop } from './audience.js';
import type { ServiceClock } from './clock.js';
import { helpText, parseCommand } from './options.js';
import type { ServiceCommand } from './options.js';
import { startService } from './service.js';
import type { Service } from './service.js';
import { Trends } from './trends.js';

export type StopSignal = 'SIGINT' | 'SIGTERM';

/** Everything that the program touches outside itself, except for its socket. */
export interface ProgramIo {
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  readonly clock: ServiceClock;
  /** Calls back for each signal; returns what ends that. */
  readonly onSignal: (listener: (signal: StopSignal) => void) => () => void;
}

/** How it ended; `isAborted` when something may still be open. */
export interface Ending {
  readonly code: number;
  readonly isAborted: boolean;
}

/**
 * Runs the service until a signal. Exit codes: 0 stopped, 1 it could not listen, 2 options that were refused; at a
 * second signal 130 (Ctrl-C) or 1.
 */
export async function runProgram(argv: readonly string[], io: ProgramIo): Promise<Ending> {
  let command: ServiceCommand | 'help';
  try {
    command = parseCommand(argv);
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
    io.err(error.message);
    return { code: 2, isAborted: false };
  }
  if (command === 'help') {
    io.out(helpText.trimEnd());
    return { code: 0, isAborted: false };
  }
  const trends = new Trends(io.clock);
  try {
    const { host, port, lingerMs } = command;
    const { clock, err: log } = io;
    const service = await startService({ host, port, lingerMs, clock, trends, log });
    return await serve(service, command, io);
  } catch (error) {
    io.err(listenFailure(error, command));
    return { code: 1, isAborted: false };
  } finally {
    trends.stop();
  }
}

async function serve(service: Service, command: ServiceCommand, io: ProgramIo): Promise<Ending> {
  const { rate, seed } = command;
  io.out(`Listening on ${service.url}`);
  io.out(
    rate === undefined
      ? `No audience. Play something: curl -H 'content-type: application/json' -d '{"song":"Monsoon"}' ${service.url}/plays`
      : `An audience plays ${rate} songs per second. The first chart takes three seconds. Ctrl-C stops.`,
  );
  const audience =
    rate === undefined
      ? undefined
      : new AudienceLoop({ url: service.url, clock: io.clock, perSecond: rate, seed });
  let stopping: Promise<Ending> | undefined;
  let deafen = (): void => undefined;
  try {
    return await new Promise<Ending>((resolve, reject) => {
      deafen = io.onSignal((signal) => {
        if (stopping === undefined) {
          io.out(`${signal}: stopping. Once more to cut it short.`);
          stopping = stop(service, audience);
          stopping.then(resolve, reject);
          return;
        }
        service.abort();
        resolve({ code: signal === 'SIGINT' ? 130 : 1, isAborted: true });
      });
    });
  } finally {
    deafen();
    await audience?.stop();
  }
}

async function stop(service: Service, audience: AudienceLoop | undefined): Promise<Ending> {
  // Intake ends first: what the audience has under way is refused, and then called back.
  const stopped = service.stop();
  await audience?.stop();
  await stopped;
  return { code: 0, isAborted: false };
}

function listenFailure(error: unknown, { host, port }: ServiceCommand): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const at = `${host}:${port}`;
  if (code === 'EADDRINUSE')
    return `PORT_IN_USE: expected a free port, got ${port} in use, at ${at}. Choose another with --port; 0 takes any free one.`;
  // What has no code of the system is a bug of ours.
  if (code === undefined) throw error;
  return `LISTEN_FAILED: expected an address to listen at, got ${code} (${message}), at ${at}. Look at --host and --port.`;
}
