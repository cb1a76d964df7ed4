/**
 * One kind of request and its answer, at one version: what goes over the wire, without the wire.
 *
 * The version is fixed, not negotiated: each is in the range of all brokers that are supported, 3.9 to 4.x, so there is
 * one form of each message to test. `apis.test.ts` shows each with its bytes.
 */
import { skipTags } from './fields.js';
import type { Field } from './fields.js';
import { WireReader, WireWriter } from './wire-bytes.js';

export interface Api<Request, Answer> {
  readonly name: string;
  /** The number of the kind of request. */
  readonly key: number;
  readonly version: number;
  readonly request: Field<Request>;
  readonly answer: Field<Answer>;
}

/** Declares one. */
export function api<Request, Answer>(
  [name, key, version]: readonly [name: string, key: number, version: number],
  request: Field<Request>,
  answer: Field<Answer>,
): Api<Request, Answer> {
  return { name, key, version, request, answer };
}

/**
 * What follows the client id in a request. A connection that writes headers of version 1, such as that of kafkajs, wants
 * it as it is: the tagged fields that version 2 adds to the header are its first byte.
 */
export function encodeRequest<Request, Answer>(
  api: Api<Request, Answer>,
  request: Request,
): Buffer {
  return encode(api.request, request);
}

/** What follows the correlation id in an answer; it begins with the tagged fields of the header of version 1. */
export function decodeAnswer<Request, Answer>(
  api: Api<Request, Answer>,
  bytes: Uint8Array,
): Answer {
  return decode(api.answer, bytes, `answer to ${api.name} v${api.version}`);
}

/** The side of the broker, for those who play one. */
export function decodeRequest<Request, Answer>(
  api: Api<Request, Answer>,
  bytes: Uint8Array,
): Request {
  return decode(api.request, bytes, `${api.name} v${api.version}`);
}

/** The side of the broker, for those who play one. */
export function encodeAnswer<Request, Answer>(api: Api<Request, Answer>, answer: Answer): Buffer {
  return encode(api.answer, answer);
}

function encode<Value>(field: Field<Value>, value: Value): Buffer {
  const writer = new WireWriter();
  writer.varint(0);
  field.write(writer, value);
  return writer.finish();
}

function decode<Value>(field: Field<Value>, bytes: Uint8Array, where: string): Value {
  const reader = new WireReader(bytes, where);
  skipTags(reader);
  const value = field.read(reader);
  reader.expectEnd();
  return value;
}
