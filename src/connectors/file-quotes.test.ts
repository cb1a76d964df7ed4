import { describe, expect, test } from 'vitest';
import { scanQuoted } from './file-quotes.js';

const scan = (text: string, isLast = true, start = 0) =>
  scanQuoted(new TextEncoder().encode(text), start, { delimiter: 0x2c, isLast });

describe('scanQuoted', () => {
  test('a record ends at the first line end outside quotes', () => {
    expect(scan('"a",b\n1')).toEqual({ kind: 'record', end: 5, next: 6 });
    expect(scan('a,"b"\n1')).toEqual({ kind: 'record', end: 5, next: 6 });
    expect(scan('"a\nb",c\n1')).toEqual({ kind: 'record', end: 7, next: 8 });
    expect(scan('x"a"\n', true, 1)).toEqual({ kind: 'record', end: 4, next: 5 });
  });

  test('the carriage return of a CRLF is no part of the record', () => {
    expect(scan('"a",b\r\n1')).toEqual({ kind: 'record', end: 5, next: 7 });
    expect(scan('a,"b"\r\n1')).toEqual({ kind: 'record', end: 5, next: 7 });
    expect(scan('"a",\r\n1')).toEqual({ kind: 'record', end: 4, next: 6 });
  });

  test('doubled quotes do not close a field', () => {
    expect(scan('"a""\n""b"\n1')).toEqual({ kind: 'record', end: 9, next: 10 });
    expect(scan('""""\n')).toEqual({ kind: 'record', end: 4, next: 5 });
    expect(scan('""\n')).toEqual({ kind: 'record', end: 2, next: 3 });
  });

  test('the end of the input ends a record', () => {
    expect(scan('"a"')).toEqual({ kind: 'record', end: 3, next: 3 });
    expect(scan('"a",b')).toEqual({ kind: 'record', end: 5, next: 5 });
    expect(scan('"a",')).toEqual({ kind: 'record', end: 4, next: 4 });
  });

  test('while more may come, an undecided record is starved', () => {
    for (const text of ['"a', '"a"', '"a"\r', '"a",b', '"a""', '"a",'])
      expect(scan(text, false)).toEqual({ kind: 'starved' });
  });

  test('a quote that is never closed breaks the record', () => {
    expect(scan('"a,b\nc')).toMatchObject({
      kind: 'broken',
      reason: expect.stringContaining('closed'),
    });
  });

  test('a quote inside a plain field breaks the record', () => {
    expect(scan('5" disk,"b"\n')).toMatchObject({ reason: expect.stringContaining('inside') });
  });

  test('text behind a closing quote breaks the record', () => {
    expect(scan('"a"b,c\n')).toMatchObject({ reason: expect.stringContaining('behind') });
    expect(scan('"a"\rb\n')).toMatchObject({ reason: expect.stringContaining('behind') });
    expect(scan('"a"\r')).toMatchObject({ reason: expect.stringContaining('behind') });
  });
});
