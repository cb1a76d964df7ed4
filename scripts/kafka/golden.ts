/** A test of a request and its answer against bytes, for the files that list them. */
import { describe, expect, test } from 'vitest';
import {
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  type Api,
} from '../../src/cluster/wire/api.js';

/** The bytes of the lines; what stands behind two spaces is a remark. */
function hex(lines: string): string {
  return lines
    .split('\n')
    .map((line) => line.trim().split('  ')[0])
    .join('')
    .replaceAll(' ', '');
}

export function golden<Request, Answer>(
  api: Api<Request, Answer>,
  request: readonly [Request, string],
  answer: readonly [Answer, string],
): void {
  describe(`${api.name} v${api.version}`, () => {
    test('the request has the bytes of the protocol, and is read from them', () => {
      const bytes = hex(request[1]);
      expect(encodeRequest(api, request[0]).toString('hex')).toBe(bytes);
      expect(decodeRequest(api, Buffer.from(bytes, 'hex'))).toEqual(request[0]);
    });
    test('the answer is read from the bytes of the protocol, and has them', () => {
      const bytes = hex(answer[1]);
      expect(decodeAnswer(api, Buffer.from(bytes, 'hex'))).toEqual(answer[0]);
      expect(encodeAnswer(api, answer[0]).toString('hex')).toBe(bytes);
    });
  });
}
