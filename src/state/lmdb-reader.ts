/**
 * Reading a store of `lmdb` from beside its owner: in another process, or in the same one, while it is written.
 *
 * Every call reads the newest commit in a transaction of its own that ends with the call, because a reader that stays
 * in one makes the file grow without end. Nothing is written and nothing is owned. A damaged file is not looked for:
 * pages change under a walk through a live file, so that is left to the owner, who walks before it opens.
 */
import * as fs from 'node:fs';
import { join, resolve } from 'node:path';
import type { RootDatabase } from 'lmdb';
import { ByteReader } from './bytes.js';
import { encodeKey, readKey } from './key-codec.js';
import { environmentOptions } from './lmdb-backend.js';
import { storedKey } from './lmdb-keys.js';

export interface StoreRange {
  /** The first key, included. */
  readonly from: string;
  /** The last key, excluded. */
  readonly to: string;
  readonly limit: number;
  /** From the last key to the first. */
  readonly reverse: boolean;
}

export interface StoreReader {
  /** Reads of the same call see the same commit. */
  read<Out>(look: (reading: StoreReading) => Out): Out;
  close(): Promise<void>;
}

export interface StoreReading {
  /** The bytes belong to the caller. */
  get(key: string): Uint8Array | undefined;
  /** In the order of the keys. */
  range(range: StoreRange): { readonly key: string; readonly value: Uint8Array }[];
}

/** Undefined where no store has been made yet. Throws what LMDB says when it cannot be opened. */
export async function openStoreReader(directory: string): Promise<StoreReader | undefined> {
  const home = resolve(directory);
  // The mark is written when the store is whole; opening an empty directory for reading would fail less clearly.
  if (!fs.existsSync(join(home, 'tidemark'))) return undefined;
  const { open } = await import('lmdb');
  const database = open<Uint8Array, Uint8Array>(home, { ...environmentOptions, readOnly: true });
  return new LmdbReader(database);
}

type Database = RootDatabase<Uint8Array, Uint8Array>;

class LmdbReader implements StoreReader, StoreReading {
  readonly #database: Database;
  #isReading = false;
  #closing: Promise<void> | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  read<Out>(look: (reading: StoreReading) => Out): Out {
    if (this.#isReading) return look(this);
    this.#isReading = true;
    this.#database.resetReadTxn();
    try {
      return look(this);
    } finally {
      this.#isReading = false;
      this.#database.resetReadTxn();
    }
  }

  get(key: string): Uint8Array | undefined {
    const value = this.#database.getBinary(storedKey(key));
    return value && new Uint8Array(value);
  }

  range({ from, to, limit, reverse }: StoreRange): { key: string; value: Uint8Array }[] {
    // A stored key has a checksum behind it, so it is longer than the bound that it is spelled like.
    const [low, high] = [encodeKey(from), encodeKey(to)];
    const [start, end] = reverse ? [high, low] : [low, high];
    const found = this.#database.getRange({ start, end, limit, reverse });
    return Array.from(found, ({ key, value }) => ({
      key: readKey(new ByteReader(key)) as string,
      value: new Uint8Array(value),
    }));
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#database.close());
  }
}
