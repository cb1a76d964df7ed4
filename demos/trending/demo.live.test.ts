import { describe, expect, test } from 'vitest';
import { demo } from './demo.testing.js';

const escape = String.fromCharCode(27);
const hideCursor = `${escape}[?25l`;
const showCursor = `${escape}[?25h`;
const leavePage = `${escape}[?1049l`;
const colour = `${escape}[1;`;
const day = ['--events', '15000'];

describe('on a terminal', () => {
  test('the chart is live, and the last words stand on the page that was left', async () => {
    const { code, out, err } = await demo(day, { isTTY: true });
    expect([code, err.text]).toEqual([0, '']);
    expect(out.text.split(hideCursor)).toHaveLength(2);
    const [live = '', after = ''] = out.text.split(leavePage);
    expect(live.split('TRENDING').length).toBeGreaterThan(300);
    expect(live).toContain('▲');
    expect(after).toContain('TRENDING');
    expect(after).toContain('Finished');
    expect(after).toContain('went from nowhere to #1 at');
    expect(out.text).toContain(colour);
  });

  test('progress and charts go hand in hand, because the source waits for the display', async () => {
    const { out } = await demo(day, { isTTY: true });
    const frames = out.text.split('TRENDING').filter((frame) => frame.includes('event time'));
    const middle = frames[Math.floor(frames.length / 2)] ?? '';
    const shownEnd = /– (\d\d):\d\d UTC/.exec(middle)?.[1];
    const reached = /event time \w+ \d+ \w+ (\d\d):/.exec(middle)?.[1];
    expect(Math.abs(Number(shownEnd) - Number(reached))).toBeLessThanOrEqual(1);
  });

  test('Ctrl-C stops it and gives the cursor back', async () => {
    let frames = 0;
    const { code, out } = await demo(day, {
      isTTY: true,
      interrupt: (press) => setImmediate(() => setImmediate(() => ((frames += 1), press()))),
    });
    expect(frames).toBe(1);
    expect(code).toBe(130);
    expect(out.text).toContain('Stopped');
    expect(out.text.split(showCursor).length).toBe(out.text.split(hideCursor).length);
  });

  test('a second Ctrl-C does not wait', async () => {
    const { code, out } = await demo(day, {
      isTTY: true,
      interrupt: (press) => setImmediate(() => (press(), press())),
    });
    expect(code).toBe(130);
    expect(out.text).not.toContain('Stopped');
  });

  test('NO_COLOR is respected', async () => {
    const { out } = await demo(day, { isTTY: true, env: { NO_COLOR: '1' } });
    expect(out.text).not.toContain(colour);
    expect(out.text).toContain('▲');
  });

  test('a dumb terminal gets lines', async () => {
    const { out } = await demo(day, { isTTY: true, env: { TERM: 'dumb' } });
    expect(out.text).not.toContain(escape);
  });
});

describe('not on a terminal', () => {
  test('there is one line per hour, and a summary', async () => {
    const { code, out } = await demo(day);
    expect(code).toBe(0);
    const hours = out.lines.filter((line) => /–\d\d:\d\d {2}1\. /.test(line));
    expect(hours.length).toBeGreaterThanOrEqual(26);
    expect(hours.length).toBeLessThanOrEqual(29);
    expect(hours[10]).toMatch(
      /^Fri 6 Mar \d\d:\d\d–\d\d:\d\d {2}1\. .+ \(\d+\) {3}2\. .+ {3}3\. .+$/,
    );
    expect(out.text).toMatch(/late +\d/);
    expect(out.text).not.toContain(escape);
  });

  test('the same seed prints the same', async () => {
    const hours = async (): Promise<string[]> =>
      (await demo([...day, '--seed', '9'])).out.lines.filter((line) => line.startsWith('Fri'));
    expect(await hours()).toEqual(await hours());
  });

  test('the invented day can be asked other questions', async () => {
    const { out } = await demo([
      ...day,
      '--key',
      'country',
      '--where',
      'country=SE',
      '--top',
      '3',
      '--json',
    ]);
    const keys = new Set(out.lines.map((line) => (JSON.parse(line) as { key: string }).key));
    expect([...keys]).toEqual(['SE']);
  });
});
