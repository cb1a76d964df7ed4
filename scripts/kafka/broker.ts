/**
 * A real Kafka for tests: one node on loopback, its own ports, its own data, gone when the test is over.
 *
 * `TIDEMARK_KAFKA=host:port` uses a broker that runs already. Otherwise Maven downloads Kafka once into
 * `TIDEMARK_KAFKA_CACHE` (default `~/.cache/tidemark/kafka`) and Java runs it; where one of them is missing, the reason
 * comes back instead of a broker, for the test to print. `TIDEMARK_KAFKA_VERSION` chooses another release than 3.9.2.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pomOf, propertiesOf, quietLogs } from './broker-files.js';

export interface RunningBroker {
  /** `host:port` for clients. */
  readonly address: string;
  /** Release, or "given" where it runs already. */
  readonly version: string;
  /** Ends the process that was started here, and removes its data; does nothing to a broker that was given. */
  stop(): Promise<void>;
}

/** Why there is no broker. */
export interface NoBroker {
  readonly reason: string;
}

const DOWNLOAD_MS_MAX = 300_000;
const START_MS_MAX = 60_000;
const STOP_MS_MAX = 10_000;
/** Small and quick to start: the broker is not what is measured. */
const jvm = ['-Xms128m', '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];

export async function startBroker(): Promise<RunningBroker | NoBroker> {
  const given = process.env['TIDEMARK_KAFKA'];
  if (given !== undefined && given !== '')
    return { address: given, version: 'given', stop: () => Promise.resolve() };
  const missing = ['java', 'mvn'].find((tool) => !runs(tool));
  if (missing !== undefined)
    return { reason: `no ${missing} on the path, and TIDEMARK_KAFKA names no broker` };
  const version = process.env['TIDEMARK_KAFKA_VERSION'] ?? '3.9.2';
  try {
    return await startNode(version, await classPath(version));
  } catch (error) {
    return { reason: `Kafka ${version} did not come up: ${String(error)}` };
  }
}

function runs(tool: string): boolean {
  const { status } = spawnSync(tool, ['-version'], { stdio: 'ignore', timeout: 30_000 });
  return status === 0;
}

/** Downloads on first use. The list of jars appears in one piece, so that two tests may begin at once. */
async function classPath(version: string): Promise<string> {
  const cache =
    process.env['TIDEMARK_KAFKA_CACHE'] ?? join(homedir(), '.cache', 'tidemark', 'kafka');
  const directory = join(cache, version);
  const list = join(directory, 'class-path.txt');
  if (!existsSync(list)) {
    await mkdir(directory, { recursive: true });
    const work = await mkdtemp(join(directory, 'download-'));
    await writeFile(join(work, 'pom.xml'), pomOf(version));
    const output = join(work, 'class-path.txt');
    const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:build-classpath';
    const repository = `-Dmaven.repo.local=${join(cache, 'repository')}`;
    const told = ['-q', '-B', '-f', join(work, 'pom.xml'), repository, goal];
    await finished('mvn', [...told, `-Dmdep.outputFile=${output}`], DOWNLOAD_MS_MAX);
    await rename(output, list);
    await rm(work, { recursive: true, force: true });
  }
  return readFileSync(list, 'utf8').trim();
}

async function startNode(version: string, jars: string): Promise<RunningBroker> {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-kafka-'));
  const [port, controllerPort] = [await freePort(), await freePort()];
  const properties = join(directory, 'server.properties');
  const logs = quietLogs(version);
  await writeFile(
    properties,
    propertiesOf({ port, controllerPort, data: join(directory, 'data') }),
  );
  await writeFile(join(directory, logs.file), logs.text);
  const java = [...jvm, `-D${logs.property}=file:${join(directory, logs.file)}`, '-cp', jars];
  const id = randomBytes(16).toString('base64url');
  const format = ['kafka.tools.StorageTool', 'format', '-t', id, '-c', properties];
  await finished('java', [...java, ...format], START_MS_MAX);
  const child = spawn('java', [...java, 'kafka.Kafka', properties], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = createWriteStream(join(directory, 'broker.log'));
  child.stdout.pipe(log);
  child.stderr.pipe(log);
  // A test that is interrupted must not leave a Java behind.
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async (): Promise<void> => {
    await end(child);
    process.off('exit', kill);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await answers(port, child);
  } catch (error) {
    const tail = readFileSync(join(directory, 'broker.log'), 'utf8').slice(-2000);
    await stop();
    throw new Error(`${String(error)}\n${tail}`, { cause: error });
  }
  return { address: `127.0.0.1:${port}`, version, stop };
}

/** Runs a program to its end; what it says is part of the error. */
async function finished(program: string, parameters: string[], msMax: number): Promise<void> {
  const child = spawn(program, parameters, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: msMax,
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000)));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`${program} ended with ${code ?? 'a signal'}: ${said}`);
}

/** An open port is not a broker yet: it must answer the one question that needs no version. */
async function answers(port: number, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + START_MS_MAX;
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`the broker ended with ${child.exitCode ?? child.signalCode}`);
    if (await asked(port)) return;
    await sleep(100);
  }
  throw new Error(`the broker gave no answer within ${START_MS_MAX} ms`);
}

/** Sends ApiVersions of version 0: length, key 18, version, correlation id, no client id. */
async function asked(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const isThere = await new Promise<boolean>((resolve) => {
    socket.setTimeout(1000, () => resolve(false));
    socket.once('connect', () => socket.write(Buffer.from('0000000a0012000000000001ffff', 'hex')));
    socket.once('data', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
  socket.destroy();
  return isThere;
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
  await new Promise((closed) => server.close(closed));
  return port;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGTERM');
  const isGone = await Promise.race([
    gone.then(() => true),
    sleep(STOP_MS_MAX, false, { ref: false }),
  ]);
  if (isGone) return;
  child.kill('SIGKILL');
  await gone;
}
