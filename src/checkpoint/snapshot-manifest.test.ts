import { expect, test } from 'vitest';
import { crc32 } from '../state/checksum.js';
import { manifestText, parseManifest, type CopyManifest } from './snapshot-manifest.js';

const manifest: CopyManifest = {
  kind: 'savepoint',
  id: 'job-7-1-abc',
  job: 'job',
  epoch: 7,
  maxParallelism: 128,
  createdAt: 1,
  record: { file: 'savepoint-record', bytes: 10, crc32: 5 },
  chunks: [
    { file: 'savepoint-000001.chunk', bytes: 9, crc32: 4, uid: 'a', groups: [0, 3], records: 2 },
  ],
};
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The text changed by somebody who knows the checksum. */
function resealed(from: string, to: string): Uint8Array {
  const text = manifestText(manifest).replace(from, to);
  const body = text.slice(0, text.lastIndexOf('crc32 '));
  return bytes(`${body}crc32 ${crc32(bytes(body)).toString(16).padStart(8, '0')}\n`);
}

test('what is written is read', () => {
  expect(parseManifest(bytes(manifestText(manifest)), 'here')).toEqual(manifest);
});

test('every bit is guarded, and every byte at the end', () => {
  const whole = bytes(manifestText(manifest));
  for (let at = 0; at < whole.length; at += 1) {
    const turned = whole.with(at, (whole[at] ?? 0) ^ (1 << (at % 8)));
    expect(() => parseManifest(turned, 'here'), `byte ${at}`).toThrow('STATE_DAMAGED');
    expect(() => parseManifest(whole.subarray(0, at), 'here')).toThrow('STATE_DAMAGED');
  }
});

test('a newer format is told from damage', () => {
  expect(() => parseManifest(resealed('format 1', 'format 2'), 'here')).toThrow(
    'STATE_VERSION_UNKNOWN',
  );
  expect(() => parseManifest(resealed('tidemark', 'tsunami'), 'here')).toThrow(
    'another kind of file',
  );
});

test('fields that a later release adds are passed over', () => {
  const later = resealed('"kind"', '"more": { "than": "this" }, "kind"');
  expect(parseManifest(later, 'here')).toEqual(manifest);
});

test.each(['../savepoint-record', '/etc/passwd', '', '.hidden', 'a/b'])(
  'a file named %j leads nowhere',
  (file) => {
    expect(() => parseManifest(resealed('savepoint-record', file), 'here')).toThrow(
      'a manifest of another shape',
    );
  },
);
