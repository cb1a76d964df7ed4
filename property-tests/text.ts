/** Values as text, so that multisets of them can be compared, and read when they differ. */

/** One ASCII text for equal values, different ones for others: `10`, `10n` and `'10'` differ, `-0` is `0`. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) return `[${value.map(textOf).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  const texts = fields.map(([name, field]) => `${quoted(name)}: ${textOf(field)}`);
  return `{${texts.toSorted(byCodeUnits).join(', ')}}`;
}

/** A multiset as sorted texts: equal arrays for equal multisets. */
export function multisetOf(values: readonly unknown[]): string[] {
  return values.map(textOf).toSorted(byCodeUnits);
}

/** The values of each key in their order, for outputs that are ordered within a key but not between keys. */
export function sequencesOf<T extends { readonly key: unknown }>(
  values: readonly T[],
): Record<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const value of values) {
    const name = textOf(value.key);
    groups.set(name, [...(groups.get(name) ?? []), textOf(value)]);
  }
  return Object.fromEntries([...groups].toSorted(([a], [b]) => byCodeUnits(a, b)));
}

function quoted(text: string): string {
  const escaped = (unit: string): string =>
    String.raw`\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(text).replaceAll(/[\u007f-\uffff]/g, escaped);
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
