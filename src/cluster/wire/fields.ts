/**
 * The fields that messages of Kafka are made of, each written once and used in both directions.
 *
 * A message is declared as a structure of named fields; how it is written, how it is read, and its type in TypeScript
 * follow from that. So the client and the broker that tests play cannot drift apart, and what remains to be checked
 * is the declaration itself: by golden bytes, and by real brokers.
 *
 * Only "flexible" versions are here: lengths are varints plus one, and each structure ends with tagged fields, of which
 * we write none and skip all, as the protocol demands of those who do not know them.
 */
import type { WireReader, WireWriter } from './wire-bytes.js';

export interface Field<Value> {
  write(writer: WireWriter, value: Value): void;
  read(reader: WireReader): Value;
}

/** The TypeScript type of what a field holds. */
export type ValueOf<Of> = Of extends Field<infer Value> ? Value : never;

function integer(bytes: 1 | 2 | 4): Field<number> {
  return {
    write: (writer, value) => writer.int(value, bytes),
    read: (reader) => reader.int(bytes),
  };
}

export const int8 = integer(1);
export const int16 = integer(2);
export const int32 = integer(4);

/** Offsets, times in epoch milliseconds, ids of producers: all below 2^53. */
export const int64: Field<number> = {
  write: (writer, value) => writer.int64(value),
  read: (reader) => reader.int64(),
};

export const boolean: Field<boolean> = {
  write: (writer, value) => writer.int(value ? 1 : 0, 1),
  read: (reader) => reader.int(1) !== 0,
};

/** 16 bytes as 32 hexadecimal digits. */
export const uuid: Field<string> = {
  write: (writer, value) => writer.bytes(Buffer.from(value.padStart(32, '0'), 'hex')),
  read: (reader) => reader.bytes(16).toString('hex'),
};

/** Read as a view into the answer. */
export const nullableBytes: Field<Uint8Array | null> = {
  write(writer, value) {
    writer.varint(value === null ? 0 : value.length + 1);
    if (value !== null) writer.bytes(value);
  },
  read(reader) {
    const length = reader.varint();
    return length === 0 ? null : reader.bytes(length - 1);
  },
};

export const nullableString: Field<string | null> = {
  write: (writer, value) => nullableBytes.write(writer, value === null ? null : Buffer.from(value)),
  read(reader) {
    const length = reader.varint();
    return length === 0 ? null : reader.bytes(length - 1).toString();
  },
};

export const string: Field<string> = never(nullableString, 'a string');

export function nullableArray<Item>(item: Field<Item>): Field<readonly Item[] | null> {
  return {
    write(writer, items) {
      writer.varint(items === null ? 0 : items.length + 1);
      for (const each of items ?? []) item.write(writer, each);
    },
    read(reader) {
      const length = reader.varint();
      if (length === 0) return null;
      // An item takes a byte at least, so a count that lies is found before memory is asked for it.
      if (length - 1 > reader.remaining)
        throw reader.malformed(`at most ${reader.remaining} items`, `${length - 1}`);
      return Array.from({ length: length - 1 }, () => item.read(reader));
    },
  };
}

export function array<Item>(item: Field<Item>): Field<readonly Item[]> {
  return never(nullableArray(item), 'an array');
}

/** The fields in the order of the declaration, then the tagged ones. */
export function struct<Value extends object>(fields: {
  readonly [Name in keyof Value]: Field<Value[Name]>;
}): Field<Readonly<Value>> {
  const names = Object.keys(fields) as (keyof Value)[];
  return {
    write(writer, value) {
      for (const name of names) fields[name].write(writer, value[name]);
      writer.varint(0);
    },
    read(reader) {
      const value: Partial<Value> = {};
      for (const name of names) value[name] = fields[name].read(reader);
      skipTags(reader);
      return value as Value;
    },
  };
}

export function skipTags(reader: WireReader): void {
  for (let tags = reader.varint(); tags > 0; tags--) {
    reader.varint();
    reader.bytes(reader.varint());
  }
}

/** The same field where null breaks the protocol. */
function never<Value>(field: Field<Value | null>, what: string): Field<Value> {
  return {
    write: (writer, value) => field.write(writer, value),
    read(reader) {
      const value = field.read(reader);
      if (value === null) throw reader.malformed(what, 'null');
      return value;
    },
  };
}
