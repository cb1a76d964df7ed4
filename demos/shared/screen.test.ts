import { expect, test } from 'vitest';
import { Screen } from './screen.js';

function terminal(rows = 24): { written: string; rows: number; write(text: string): void } {
  return {
    written: '',
    rows,
    write(text) {
      this.written += text;
    },
  };
}

test('the cursor is hidden with the first frame and shown again at the end', () => {
  const fake = terminal();
  const screen = new Screen(fake);
  screen.draw(['a']);
  screen.draw(['b']);
  screen.close();
  screen.close();
  expect(fake.written.split('\u001B[?25l')).toHaveLength(2);
  expect(fake.written.split('\u001B[?25h')).toHaveLength(2);
  expect(fake.written.endsWith('\u001B[?1049l')).toBe(true);
});

test('a screen that never drew writes nothing', () => {
  const fake = terminal();
  new Screen(fake).close();
  expect(fake.written).toBe('');
});

test('no frame is longer than the terminal, so nothing scrolls', () => {
  const fake = terminal(2);
  new Screen(fake).draw(['one', 'two', 'three']);
  expect(fake.written).toContain('two');
  expect(fake.written).not.toContain('three');
});

test('a frame clears behind each line and below the last, and never the whole screen', () => {
  const fake = terminal();
  new Screen(fake).draw(['one', 'two']);
  expect(fake.written).toContain('one\u001B[K\r\ntwo\u001B[K\u001B[J');
  expect(fake.written).not.toContain('\u001B[2J');
});
