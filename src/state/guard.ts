/**
 * Freezing of values that are given out, in tests: what is changed in place without `set` would be there until the
 * next restore and then vanish. A frozen value fails at the line that changes it.
 *
 * Plain objects and arrays are frozen, all the way down. Others (Map, Date, typed arrays) cannot be.
 */
export function freezeDeep<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  if (!Array.isArray(value) && !isPlain(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) freezeDeep(inner);
  return value;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
