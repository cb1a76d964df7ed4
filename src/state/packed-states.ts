/** How the states of one key stand beside each other in bytes: under which name, of which schema, with or without stamps. */

/** `name`, `[name]` with stamps, and with the number of a schema other than the first `[name, number, has stamps]`. */
export type PackedKey = string | readonly [string] | readonly [string, number, boolean];

export function packedKey(name: string, isStamped: boolean, version: number): PackedKey {
  if (version > 0) return [name, version, isStamped];
  return isStamped ? [name] : name;
}

export function ofPackedKey(key: PackedKey): { name: string; isStamped: boolean; version: number } {
  if (typeof key === 'string') return { name: key, isStamped: false, version: 0 };
  const [name, version = 0, isStamped = true] = key;
  return { name, isStamped, version };
}

/** What is packed, with each value in it made one of the present schema. */
export function upgraded(
  kind: string,
  packed: unknown,
  upgrade: (value: unknown) => unknown,
): unknown {
  if (kind === 'list') return Array.isArray(packed) ? packed.map((one) => upgrade(one)) : packed;
  if (kind !== 'map') return upgrade(packed);
  if (!(packed instanceof Map)) return packed;
  return new Map([...packed].map(([key, value]) => [key as unknown, upgrade(value)]));
}
