import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { ManualClock } from './manual-clock.js';
import { runProgram } from './program.js';
import type { Ending, StopSignal } from './program.js';
import { evening, until } from './service.testing.js';

/** A program that is running, and what it has said. */
class Running {
  readonly out: string[] = [];
  readonly err: string[] = [];
  readonly clock = new ManualClock(evening);
  readonly ending: Promise<Ending>;
  #listener: ((signal: StopSignal) => void) | undefined;

  constructor(...argv: readonly string[]) {
    this.ending = runProgram(argv, {
      out: (line) => void this.out.push(line),
      err: (line) => void this.err.push(line),
      clock: this.clock,
      onSignal: (listener) => {
        this.#listener = listener;
        return () => (this.#listener = undefined);
      },
    });
  }

  get isListening(): boolean {
    return this.#listener !== undefined;
  }

  async url(): Promise<string> {
    await until('it listens', () => this.isListening);
    return this.out[0]?.replace('Listening on ', '') ?? '';
  }

  signal(signal: StopSignal): void {
    this.#listener?.(signal);
  }
}

describe('the program', () => {
  test('says its address first, on this machine only, and the audience plays', async () => {
    const program = new Running('--port', '0');
    const url = await program.url();
    expect(program.out[0]).toMatch(/^Listening on http:\/\/127\.0\.0\.1:\d+$/);
    await until('a chart is there', async () => {
      program.clock.advance(500);
      const { places } = (await (await fetch(`${url}/trends`)).json()) as { places: unknown[] };
      return places.length > 0;
    });
    program.signal('SIGTERM');
    expect(await program.ending).toEqual({ code: 0, isAborted: false });
    expect(program.clock.waiting).toBe(0);
    await expect(fetch(url)).rejects.toThrow();
  });

  test('is quiet without an audience, and shows how to play something', async () => {
    const program = new Running('--port', '0', '--no-audience');
    const url = await program.url();
    program.clock.advance(5_000);
    expect(await (await fetch(`${url}/trends`)).json()).toMatchObject({ taken: 0 });
    expect(program.out[1]).toContain(`-d '{"song":"Monsoon"}' ${url}/plays`);
    program.signal('SIGINT');
    expect(await program.ending).toEqual({ code: 0, isAborted: false });
    expect(program.isListening).toBe(false);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 1],
  ] as const)('is cut short by a second signal: %s is exit code %d', async (signal, code) => {
    const program = new Running('--port', '0', '--linger', '1m');
    const url = await program.url();
    program.signal('SIGTERM');
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    program.signal(signal);
    expect(await program.ending).toEqual({ code, isAborted: true });
    await expect(fetch(url)).rejects.toThrow();
  });

  test('says it when its port is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const program = new Running('--port', String(port));
    expect(await program.ending).toEqual({ code: 1, isAborted: false });
    expect(program.err).toEqual([
      `PORT_IN_USE: expected a free port, got ${port} in use, at 127.0.0.1:${port}. Choose another with --port; 0 takes any free one.`,
    ]);
    expect([program.out, program.clock.waiting]).toEqual([[], 0]);
    other.close();
  });

  test('says it when it cannot listen at the host', async () => {
    const program = new Running('--port', '0', '--host', '192.0.2.1');
    expect((await program.ending).code).toBe(1);
    expect(program.err).toEqual([expect.stringMatching(/^LISTEN_FAILED: .*EADDRNOTAVAIL/)]);
  });

  test('refuses what it does not know, with exit code 2', async () => {
    const program = new Running('--prot', '80');
    expect(await program.ending).toEqual({ code: 2, isAborted: false });
    expect(program.err).toEqual([expect.stringMatching(/^OPTIONS_INVALID: /)]);
  });

  test('has a help', async () => {
    const program = new Running('--help');
    expect((await program.ending).code).toBe(0);
    expect(program.out.join('\n')).toContain('npm run -s demo:service');
  });
});

describe('as a process', () => {
  test('it ends by itself with 0 on SIGTERM, though somebody listens', async () => {
    const child = spawn(process.execPath, [await compiled(), '--port', '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let out = '';
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (part: string) => (out += part));
    const ended = new Promise<[number | null, string | null]>((resolve) => {
      child.on('exit', (code, signal) => resolve([code, signal]));
    });
    await until('it has said its address', () => /^Listening on \S+\n/.test(out));
    const url = /^Listening on (\S+)/.exec(out)?.[1] ?? '';
    const stream = await fetch(`${url}/trends/stream`);
    child.kill('SIGTERM');
    expect(await stream.text()).toContain('event: end\ndata: {"reason":"stopping"}');
    expect(await ended).toEqual([0, null]);
  });
});

/** The program as one file. It lies as deep below the root as the one that `npm run demo:service` starts. */
async function compiled(): Promise<string> {
  const directory = fileURLToPath(new URL('../../.build/demos/service-test/', import.meta.url));
  mkdirSync(directory, { recursive: true });
  const outfile = `${directory}main.js`;
  await build({
    entryPoints: [fileURLToPath(new URL('main.ts', import.meta.url))],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
  });
  return outfile;
}
