import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CliWorkshop, totalsJob } from '../../scripts/cli/workshop.js';

let shop: CliWorkshop;
beforeAll(() => {
  shop = new CliWorkshop('main');
});
afterAll(() => shop.remove());

describe('run', () => {
  test('a job that ends: exit code 0, and again at the next start', async () => {
    shop.write('ends.mjs', totalsJob({ count: 10, state: 'ends' }));
    const first = await shop.run('run', 'ends.mjs');
    expect(first).toMatchObject({ code: 0, out: '' });
    expect(first.err).toMatch(/^totals begins\nFinished after .*: 10 records, epoch 1\.\n$/);
    expect(outputs('ends-out')).toEqual(['0', '1', '2']);
    const second = await shop.run('run', 'ends.mjs');
    expect(second.code).toBe(0);
    expect(second.err).toMatch(/^Already finished by an earlier run: 10 records, epoch 1\./);
  });

  test('--json: one object per line', async () => {
    shop.write('json.mjs', totalsJob({ count: 10, state: 'json' }));
    const facts = await shop.facts('run', 'json.mjs');
    expect(facts.map(({ type }) => type)).toEqual(['started', 'finished']);
    expect(facts[1]).toMatchObject({
      job: 'totals',
      records: 10,
      epoch: 1,
      alreadyFinished: false,
    });
  });

  test('SIGTERM: a last commit, exit code 0, and the next run goes on from there', async () => {
    shop.write('endless.mjs', totalsJob({ state: 'endless' }));
    const { child, said, ended } = shop.start('run', 'endless.mjs');
    await said(/totals begins/);
    await new Promise((resolve) => setTimeout(resolve, 300));
    child.kill('SIGTERM');
    const { code, err } = await ended;
    expect(code).toBe(0);
    expect(err).toMatch(/SIGTERM: stopping with a last commit; once more to abort/);
    const records = Number(
      /Stopped after .*: ([\d,]+) records/.exec(err)?.[1]?.replaceAll(',', ''),
    );
    expect(records).toBeGreaterThan(0);
    const next = shop.start('run', 'endless.mjs', '--json');
    const [line = ''] = await next.said(/{"type":"started".*}\n/);
    expect(JSON.parse(line)).toMatchObject({ records });
    next.child.kill('SIGINT');
    expect((await next.ended).code).toBe(0);
  });

  test('a second signal aborts: exit code 130', async () => {
    shop.write(
      'hangs.mjs',
      totalsJob({ state: 'hangs' }).replace(
        /to: partFiles.*/,
        "to: callback(() => new Promise(() => {}), { uid: 'out', allowDuplicates: true }),",
      ),
    );
    const { child, said, ended } = shop.start('run', 'hangs.mjs');
    await said(/totals begins/);
    await new Promise((resolve) => setTimeout(resolve, 200));
    child.kill('SIGINT');
    await said(/once more to abort/);
    child.kill('SIGINT');
    const { code, err } = await ended;
    expect(err).toContain('Aborted: the next run goes on from the last commit.');
    expect(code).toBe(130);
  });

  test('a job that fails: exit code 1, with code, sentence and hint; the stack only on demand', async () => {
    shop.write(
      'fails.mjs',
      totalsJob({ count: 10, state: 'fails' }).replace('n < 3 ?', 'nothing ?'),
    );
    const { code, err } = await shop.run('run', 'fails.mjs');
    expect(code).toBe(1);
    expect(err).toMatch(/USER_FUNCTION_FAILED: expected .*, got .*, at operator "total", key 0/);
    expect(err).toContain('nothing is not defined');
    expect(err).not.toMatch(/^ {4}at /m);
    const loud = await shop.run('run', 'fails.mjs', '--verbose');
    expect(loud.err).toMatch(/^ {4}at /m);
    const facts = await shop.facts('run', 'fails.mjs');
    expect(facts.at(-1)).toMatchObject({
      type: 'error',
      code: 'USER_FUNCTION_FAILED',
      retryable: false,
    });
  });

  test('a state directory that a living process holds is refused, with its number', async () => {
    shop.write('held.mjs', totalsJob({ state: 'held' }));
    const { child, said, ended } = shop.start('run', 'held.mjs');
    await said(/totals begins/);
    const second = await shop.run('run', 'held.mjs');
    expect(second.code).toBe(1);
    expect(second.err).toContain(
      `STATE_IN_USE: expected a directory that nobody holds, got one that process ${child.pid} holds`,
    );
    child.kill('SIGINT');
    await ended;
  });

  test('--parallelism changes the shards', async () => {
    shop.write('shards.mjs', totalsJob({ count: 10, state: 'shards' }));
    expect((await shop.run('run', 'shards.mjs', '--parallelism', '3')).code).toBe(0);
    expect(outputs('shards-out')).toEqual(['0', '1', '2']);
  });

  test('savepoint and resume: from one state directory into another', async () => {
    shop.write('first.mjs', totalsJob({ state: 'first' }));
    shop.write('second.mjs', totalsJob({ state: 'second' }));
    const { child, said, ended } = shop.start('run', 'first.mjs', '--savepoint', 'saved');
    await said(/totals begins/);
    await new Promise((resolve) => setTimeout(resolve, 300));
    child.kill('SIGTERM');
    const { code, err } = await ended;
    expect([code, err]).toEqual([0, expect.stringMatching(/Savepoint: saved\n/)]);
    const [, records = ''] = /Stopped after .*: ([\d,]+) records/.exec(err) ?? [];
    const resumed = shop.start('resume', 'second.mjs', 'saved', '--parallelism', '2');
    await resumed.said(new RegExp(`totals goes on after epoch \\d+, ${records} records`));
    resumed.child.kill('SIGINT');
    expect((await resumed.ended).code).toBe(0);
    // Of a job that does not run; a directory that holds one already is refused.
    expect(await shop.run('savepoint', 'second.mjs', 'again')).toMatchObject({
      ...{ code: 0, err: expect.stringContaining('Savepoint: again\n') },
    });
    expect(await shop.run('savepoint', 'second.mjs', 'saved')).toMatchObject({
      ...{ code: 1, err: expect.stringMatching(/OPTIONS_INVALID: .*savepoint/) },
    });
  });

  test('--metrics: served while it runs', async () => {
    shop.write('measured.mjs', totalsJob({ state: 'measured' }));
    const { child, said, ended } = shop.start('run', 'measured.mjs', '--metrics', '0');
    const [, url = ''] = await said(/Metrics: (http:\/\/127\.0\.0\.1:\d+)\/metrics/);
    await said(/totals begins/);
    await new Promise((resolve) => setTimeout(resolve, 1200));
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toMatch(/^tidemark_up\{job="totals"\} 1$/m);
    expect(text).toMatch(/^tidemark_records_in_total\{job="totals",uid="total"\} [1-9]\d*$/m);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    child.kill('SIGINT');
    expect((await ended).code).toBe(0);
  });

  test('TypeScript runs where Node runs it, and is refused with a way out elsewhere', async () => {
    shop.write(
      'typed.ts',
      `${totalsJob({ count: 10, state: 'typed' })}\nexport const x: number = 1;`,
    );
    const { code, err } = await shop.run('run', 'typed.ts');
    const features = process.features as { readonly typescript?: unknown };
    if (typeof features.typescript === 'string')
      expect([code, err]).toEqual([0, expect.any(String)]);
    else expect(err).toMatch(/PACKAGE_MISSING: .*got Node .* without tsx, at typed\.ts/);
  });
});

describe('wrong usage: exit code 2', () => {
  test('commands and options that are not there', async () => {
    for (const argv of [['fly'], ['run'], ['run', 'a.mjs', '--fast'], ['state', 'get', 'x']]) {
      const { code, err } = await shop.run(...argv);
      expect(code, argv.join(' ')).toBe(2);
      expect(err).toMatch(/^OPTIONS_INVALID: expected [^]*\n {2}Run tidemark .*--help\.\n$/);
    }
  });

  test('--help and --version are none', async () => {
    const help = await shop.run('--help');
    expect([help.code, help.out]).toEqual([0, expect.stringContaining('state diff DIR DIR')]);
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect((await shop.run('--version')).out.trim()).toBe(version);
  });
});

describe('a file that is no job: exit code 1', () => {
  test('each with what is wrong about it', async () => {
    shop.write('empty.mjs', 'export const a = 1;');
    shop.write('number.mjs', 'export default 5;');
    shop.write('broken.mjs', 'export default (;');
    shop.write('lost.mjs', "import 'not-installed-anywhere';");
    shop.write('refused.mjs', "import { tumbling } from 'tidemark'; tumbling({ size: 'x' });");
    const cases: [string, RegExp][] = [
      ['nowhere.mjs', /JOB_FILE_INVALID: .*got no such file, at nowhere\.mjs/],
      [
        'empty.mjs',
        /JOB_FILE_INVALID: .*got one without a default export[^]*export default defineJob/,
      ],
      ['number.mjs', /JOB_FILE_INVALID: .*got 5/],
      ['broken.mjs', /JOB_FILE_INVALID: .*SyntaxError/],
      ['lost.mjs', /JOB_FILE_INVALID: .*not-installed-anywhere[^]*install the package/],
      ['refused.mjs', /DURATION_INVALID: .*got "x", at tumbling\.size/],
    ];
    for (const [file, message] of cases) {
      const { code, err } = await shop.run('run', file);
      expect([code, err]).toEqual([1, expect.stringMatching(message)]);
    }
  });
});

describe('explain', () => {
  test('says the steps, also as a diagram and as JSON', async () => {
    shop.write('explained.mjs', totalsJob({}));
    const text = await shop.run('explain', 'explained.mjs');
    expect(text.out).toMatch(/^pipeline "totals"\n[^]*total +process +event time, state/);
    expect((await shop.run('explain', 'explained.mjs', '--mermaid')).out).toMatch(/^flowchart LR/);
    const [facts] = await shop.facts('explain', 'explained.mjs');
    expect(facts).toMatchObject({ type: 'explanation', pipeline: 'totals' });
    expect(readdirSync(shop.directory)).not.toContain('state');
  });
});

/** All lines of part files, sorted. */
function outputs(directory: string): string[] {
  const path = join(shop.directory, directory);
  return readdirSync(path)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) => readFileSync(join(path, name), 'utf8').split('\n').filter(Boolean))
    .toSorted();
}
