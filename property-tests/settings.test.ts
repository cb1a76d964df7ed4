/** The checker of laws is checked first: a law that cannot fail proves nothing. */
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assertLaw, check, readSettings, replayCommand } from './settings.js';
import type { Property, Settings } from './settings.js';

const law = { file: 'property-tests/example.test.ts', name: 'family a law' };
const plain: Settings = { runsFactor: 1, seed: undefined, path: undefined };

/** A law that every number above 1000 breaks, and a list of what was tried. */
function brokenLaw(): { property: Property; tried: number[] } {
  const tried: number[] = [];
  const property = fc.property(fc.nat(), (value) => {
    tried.push(value);
    expect(value).toBeLessThanOrEqual(1000);
  });
  return { property, tried };
}

/** The report of a law that must fail. */
async function reportOf(property: Property, settings: Settings, runs = 100): Promise<Error> {
  return assertLaw(property, law, { runs }, settings).then(
    () => expect.fail('the law held'),
    (error: unknown) => error as Error,
  );
}

describe('check', () => {
  check(
    'a law that holds passes',
    fc.property(fc.nat(), (value) => value >= 0),
  );

  check(
    'an asynchronous law that holds passes',
    fc.asyncProperty(fc.nat(), async (value) => {
      await Promise.resolve();
      expect(value).toBeGreaterThanOrEqual(0);
    }),
    { runs: 20 },
  );
});

describe('a broken law', () => {
  test('is reported with its counterexample, its seed and the command that replays it', async () => {
    const { message } = await reportOf(brokenLaw().property, { ...plain, seed: 17 });
    expect(message).toContain('Counterexample: [1001]');
    expect(message).toMatch(/seed 17, path \d+(:\d+)*/);
    expect(message.split('\n').at(-1)).toMatch(
      /^replay: TIDEMARK_SEED=17 TIDEMARK_PATH=[\d:]+ npx vitest run property-tests\/example\.test\.ts -t "family a law"$/,
    );
  });

  test('fails again, at the first case, under the seed and the path that were printed', async () => {
    const { message } = await reportOf(brokenLaw().property, plain);
    const [, seed, path] = /TIDEMARK_SEED=(-?\d+) TIDEMARK_PATH=(\S+)/.exec(message) ?? [];
    const again = brokenLaw();
    const settings = readSettings({ TIDEMARK_SEED: seed, TIDEMARK_PATH: path });
    expect((await reportOf(again.property, settings)).message).toContain('Counterexample: [1001]');
    expect(again.tried[0]).toBe(1001);
  });

  test('keeps the error of the case as its cause', async () => {
    const error = await reportOf(brokenLaw().property, plain);
    expect((error.cause as Error).message).toContain('to be less than or equal to 1000');
  });

  test('is found when it is asynchronous', async () => {
    const property = fc.asyncProperty(fc.nat(), async (value) => {
      await Promise.resolve();
      if (value > 1000) throw new RangeError('too big');
    });
    expect((await reportOf(property, plain)).message).toContain('Counterexample: [1001]');
  });

  test('is reported with its seed when one case hangs', async () => {
    const property = fc.asyncProperty(fc.nat(), () => new Promise<void>(() => {}));
    const error: unknown = await assertLaw(property, law, { timeoutMs: 20 }, plain).catch(
      (caught: unknown) => caught,
    );
    expect((error as Error).message).toMatch(/replay: TIDEMARK_SEED=-?\d+ npx vitest run /);
  });
});

describe('the settings', () => {
  test('TIDEMARK_RUNS multiplies the number of cases', async () => {
    let cases = 0;
    const property = fc.property(fc.nat(), () => void (cases += 1));
    await assertLaw(property, law, { runs: 10 }, readSettings({ TIDEMARK_RUNS: '3' }));
    expect(cases).toBe(30);
    await assertLaw(property, law, { runs: 10 }, readSettings({ TIDEMARK_RUNS: '0.01' }));
    expect(cases).toBe(31);
  });

  test('two runs under one seed try the same cases', async () => {
    const [first, second] = [brokenLaw(), brokenLaw()];
    await reportOf(first.property, readSettings({ TIDEMARK_SEED: '17' }));
    await reportOf(second.property, readSettings({ TIDEMARK_SEED: '17' }));
    expect(second.tried).toEqual(first.tried);
  });

  test('refuse what would check something else', () => {
    expect(() => readSettings({ TIDEMARK_RUNS: 'many' })).toThrow('TIDEMARK_RUNS');
    expect(() => readSettings({ TIDEMARK_RUNS: '0' })).toThrow('TIDEMARK_RUNS');
    expect(() => readSettings({ TIDEMARK_SEED: 'x' })).toThrow('TIDEMARK_SEED');
    expect(() => readSettings({ TIDEMARK_PATH: '1:2' })).toThrow('TIDEMARK_SEED');
  });
});

describe('the replay command', () => {
  test('escapes what is a pattern to Vitest and special to a shell', () => {
    const name = `costs $5 (or "more") * it's ${'`'}a${'`'} law`;
    const command = replayCommand({ file: 'a.test.ts', name }, -3, '1:0');
    expect(command).toMatch(/^TIDEMARK_SEED=-3 TIDEMARK_PATH=1:0 npx vitest run a\.test\.ts -t /);
    const argument = command.slice(command.indexOf('-t ') + 3);
    const pattern = execFileSync('sh', ['-c', `printf %s ${argument}`], { encoding: 'utf8' });
    expect(new RegExp(pattern).test(name)).toBe(true);
  });
});
