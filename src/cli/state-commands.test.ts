import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fromJson, type Json } from '../state/json-value.js';
import { CliWorkshop, totalsJob } from '../../scripts/cli/workshop.js';

const year2100 = Date.UTC(2100, 0, 1);
let shop: CliWorkshop;
beforeAll(async () => {
  shop = new CliWorkshop('state');
  for (const [state, change] of [
    ['before', 0],
    ['after', 1],
  ] as const) {
    shop.write(`${state}.mjs`, endsByItself(totalsJob({ count: 40_000, state, change })));
    expect((await shop.run('run', `${state}.mjs`)).code).toBe(0);
  }
});
afterAll(() => shop.remove());

/** Stops in the middle, so that state and timers are still there: the last numbers are never worked through. */
function endsByItself(job: string): string {
  return job.replace(
    'yield n;',
    "{ if (n === 39_000) globalThis.process.kill(globalThis.process.pid, 'SIGTERM'); yield n; }",
  );
}

describe('state', () => {
  test('list: operators, keys, timers, bytes', async () => {
    const { code, out } = await shop.run('state', 'list', 'before');
    expect(code).toBe(0);
    expect(out).toMatch(/^total +process +3 keys +3 timers +[\d,]+ bytes\n$/);
    const [facts] = await shop.facts('state', 'list', 'before');
    expect(facts).toMatchObject({
      ...{ type: 'state', uid: 'total', operator: 'process', keys: 3, eventTimers: 3 },
      nextEventTimer: year2100,
    });
  });

  test('get: one key, decoded, with its timers', async () => {
    const { out } = await shop.run('state', 'get', 'before', 'total', '1');
    expect(out).toMatch(/^{"total":{"\$bigint":"\d+"}}\nevent-time timer at 2100-01-01.*\n$/);
    const unknown = await shop.run('state', 'get', 'before', 'total', '"1"');
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('got "1"')]);
    const stranger = await shop.run('state', 'get', 'before', 'nobody', '1');
    expect([stranger.code, stranger.err]).toEqual([1, expect.stringContaining('one of total')]);
  });

  test('export: lines of JSON from which everything comes back', async () => {
    const { code, out } = await shop.run('state', 'export', 'before');
    expect(code).toBe(0);
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => fromJson(JSON.parse(line) as Json));
    const values = lines.filter((line) => (line as { type: string }).type === 'value');
    expect(values).toHaveLength(3);
    const sum = values.reduce<bigint>((all, line) => all + totalOf(line), 0n);
    const [{ records } = { records: 0 }] = (await shop.facts('checkpoints', 'before')).slice(-1);
    expect(sum).toBe((BigInt(records as number) * BigInt((records as number) - 1)) / 2n);
    expect(lines).toContainEqual({
      type: 'timer',
      uid: 'total',
      key: 2,
      domain: 'event',
      time: year2100 + 2,
    });
    expect((await shop.run('state', 'export', 'before', 'total')).out).toBe(out);
  });

  test('diff: what is there more, less and otherwise; exit code 3', async () => {
    const { code, out } = await shop.run('state', 'diff', 'before', 'after');
    expect(code).toBe(3);
    expect(out).toMatch(
      /^~ total 0: {"total":{"\$bigint":"\d+"}} -> {"total":{"\$bigint":"\d+"}}$/m,
    );
    expect(out).toMatch(/^- total 0: event-time timer at 2100-01-01 .*$/m);
    expect(out).toMatch(/\n0 added, 1 removed, \d changed\n$/);
    const facts = await shop.facts('state', 'diff', 'before', 'after');
    expect(facts.at(-1)).toMatchObject({ type: 'difference', added: 0, removed: 1 });
  });

  test('diff with itself: nothing; exit code 0', async () => {
    expect(await shop.run('state', 'diff', 'before', 'before')).toMatchObject({
      code: 0,
      out: '0 added, 0 removed, 0 changed\n',
    });
  });

  test('of a directory that holds none is refused', async () => {
    const { code, err } = await shop.run('state', 'list', 'nowhere');
    expect([code, err]).toEqual([1, expect.stringMatching(/OPTIONS_INVALID: .*at nowhere/)]);
  });

  test('a reader who has seen enough may leave', () => {
    const command = `"${process.execPath}" "${shop.main}" state export before | head -1; exit \${PIPESTATUS[0]}`;
    const { status, stdout, stderr } = spawnSync('bash', ['-c', command], {
      cwd: shop.directory,
      encoding: 'utf8',
    });
    expect([status, stdout.split('\n').length, stderr]).toEqual([0, 2, '']);
  });
});

test('a job that runs is looked at without being disturbed', async () => {
  shop.write('lives.mjs', totalsJob({ state: 'lives' }));
  const { child, said, ended } = shop.start('run', 'lives.mjs');
  await said(/totals begins/);
  await new Promise((resolve) => setTimeout(resolve, 500));
  for (let look = 0; look < 3; look += 1) {
    const { code, out, err } = await shop.run('state', 'list', 'lives');
    expect([code, out, err]).toEqual([
      ...[0, expect.stringMatching(/^total +process +3 keys/)],
      expect.stringContaining(`lives is held by process ${child.pid}; this is its last commit.`),
    ]);
  }
  child.kill('SIGINT');
  expect((await ended).code).toBe(0);
});

describe('checkpoints', () => {
  test('the epochs, and the last commit', async () => {
    const { out } = await shop.run('checkpoints', 'before');
    expect(out).toMatch(
      /^epoch \d+ +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +[\d.]+m?s +[\d,]+ bytes {2}(?:interval|stop)$/m,
    );
    const facts = await shop.facts('checkpoints', 'before');
    expect(facts.at(-2)).toMatchObject({ type: 'checkpoint', reason: 'stop' });
    expect(out).toMatch(/^totals: epoch \d+, [\d,]+ records, [\d,]+ bytes on disk, not running\n/m);
  });
});

describe('why', () => {
  test('of a job file: what waits and what holds it back, without a function of the job being called', async () => {
    const { code, out } = await shop.run('why', 'before.mjs');
    expect(code).toBe(0);
    expect(out).toMatch(/3 timers of "total" wait\. The first of them needs watermark 2100-01-01/);
    expect(out).toMatch(/Input "input" stands at .*: its newest element is of/);
    const [facts] = await shop.facts('why', 'before.mjs');
    expect(facts).toMatchObject({ type: 'why', pipeline: 'totals', isFinished: false });
    expect((await shop.run('state', 'diff', 'before', 'before')).code).toBe(0);
  });

  test('of a directory: where each step and each split stands', async () => {
    const { out } = await shop.run('why', 'before');
    expect(out).toMatch(/^totals, as of epoch \d+/);
    expect(out).toMatch(
      / {2}total: watermark 1970-01-01 .*, 3 keys, 3 timers, the first at 2100-01-01/,
    );
    expect(out).toMatch(/ {2}input .*newest element 1970-01-01/);
  });

  test('of a job in memory is refused', async () => {
    shop.write('memory.mjs', totalsJob({ count: 1 }).replace(/state: lmdb.*/, ''));
    const { code, err } = await shop.run('why', 'memory.mjs');
    expect([code, err]).toEqual([1, expect.stringMatching(/OPTIONS_INVALID: .*in memory/)]);
  });
});

function totalOf(line: unknown): bigint {
  return (line as { value: { total: bigint } }).value.total;
}
