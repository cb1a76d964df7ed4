import { expect, test } from 'vitest';
import { crc32 } from './checksum.js';
import { seal, unseal } from './sealed.js';

const kind = { magic: 7, version: 1, name: 'a thing' };
const sealed = seal(kind, (body) => body.string('abc'));

test('what was sealed is read again', () => {
  const body = unseal(kind, sealed, 'here');
  expect(body.string()).toBe('abc');
  body.expectEnd();
});

test('damage is found, whatever byte it hits, and so is a lost end', () => {
  for (let at = 0; at < sealed.length; at += 1)
    expect(() => unseal(kind, sealed.with(at, (sealed[at] as number) ^ 1), 'here')).toThrow(
      'STATE_DAMAGED',
    );
  for (let length = 0; length < sealed.length; length += 1)
    expect(() => unseal(kind, sealed.subarray(0, length), 'here')).toThrow('STATE_DAMAGED');
});

test('a newer version is told from damage, and another kind is damage', () => {
  const newer = seal({ ...kind, version: 2 }, () => undefined);
  expect(() => unseal(kind, newer, 'here')).toThrow('STATE_VERSION_UNKNOWN');
  expect(() => unseal({ ...kind, magic: 8 }, sealed, 'here')).toThrow('STATE_DAMAGED');
});

test('a checksum that was looked at before is not looked at again', () => {
  const changed = sealed.with(3, 0x78);
  expect(crc32(changed)).not.toBe(crc32(sealed));
  expect(unseal(kind, changed, 'here', true).string()).toBe('xbc');
});
