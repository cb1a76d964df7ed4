/** The starter without a broker: what it writes for one, and what it says when it cannot have one. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { startBroker } from './broker.js';
import { pomOf, propertiesOf, quietLogs } from './broker-files.js';

afterEach(() => vi.unstubAllEnvs());

describe('where a broker comes from', () => {
  test('one that is given is used, and not stopped', async () => {
    vi.stubEnv('TIDEMARK_KAFKA', 'kafka.example:9092');
    const broker = await startBroker();
    expect(broker).toMatchObject({ address: 'kafka.example:9092', version: 'given' });
    if ('stop' in broker) await broker.stop();
  });

  test('without Java there is none, and the reason says so', async () => {
    vi.stubEnv('TIDEMARK_KAFKA', '');
    vi.stubEnv('PATH', '/nonexistent');
    expect(await startBroker()).toEqual({
      reason: 'no java on the path, and TIDEMARK_KAFKA names no broker',
    });
  });
});

describe('the files', () => {
  test('Maven fetches the release that was asked for, and a backend for its logs', () => {
    expect(pomOf('3.9.2')).toMatch(/kafka_2\.13<\/artifactId><version>3\.9\.2<.*reload4j/s);
    expect(pomOf('4.4.0')).toMatch(/kafka_2\.13<\/artifactId><version>4\.4\.0<.*log4j-core/s);
  });

  test('the node listens on loopback only, and creates no topic by itself', () => {
    const settings = propertiesOf({ port: 1234, controllerPort: 1235, data: '/data' });
    expect(settings).toContain(
      '\nlisteners=PLAINTEXT://127.0.0.1:1234,CONTROLLER://127.0.0.1:1235\n',
    );
    expect(settings).toContain('\nauto.create.topics.enable=false\n');
    expect(settings).toContain('\nlog.dirs=/data\n');
  });

  test('each line of releases has its own way to be quiet', () => {
    expect(quietLogs('3.9.2').property).toBe('log4j.configuration');
    expect(quietLogs('4.1.2').property).toBe('log4j2.configurationFile');
  });
});
