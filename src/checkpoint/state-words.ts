/**
 * Packed state in words: what an operator keeps under a key, with the names that its users know.
 *
 * It follows the `pack` of each operator (`dsl/key-slices.ts`, `key-sessions.ts`, `window-records.ts`, `ranking.ts`,
 * `state/handles.ts`). Whatever does not look as expected is given back as it is: a report must not fail on state that
 * the job itself would accept.
 */

type Words = Readonly<Record<string, unknown>>;

/** @param kind of the operator, as the record of the job holds it: `process`, `window slices …` */
export function inWords(kind: string, packed: unknown): unknown {
  const [operator = '', shape = ''] = kind.split(' ');
  const words = wordsOf(operator, shape, packed);
  return words ?? packed;
}

function wordsOf(operator: string, shape: string, packed: unknown): unknown {
  if (packed instanceof Map) return namedStates(packed);
  if (!Array.isArray(packed)) return undefined;
  if (shape === 'slices') return allOf(packed, slice);
  if (shape === 'sessions') return allOf(packed, session);
  if (shape === 'records') return windowRecords(packed);
  return operator === 'topK' ? ranking(packed) : undefined;
}

/**
 * Declared states by name. With a time to live a state stands under `[name]`, with stamps that say when it was touched;
 * with a schema other than the first under `[name, number of the schema, whether there are stamps]`.
 */
function namedStates(packed: ReadonlyMap<unknown, unknown>): Words | undefined {
  const named: [string, unknown][] = [];
  const touched: [string, unknown][] = [];
  for (const [key, value] of packed) {
    const [name, , isStamped = true] = typeof key === 'string' ? [key, 0, false] : partsOf(key);
    if (typeof name !== 'string' || (isStamped === true && !isTuple(value, 2))) return undefined;
    if (isStamped !== true) named.push([name, value]);
    else {
      const [stamps, stamped] = value as readonly unknown[];
      touched.push([name, stamps]);
      named.push([name, stamped]);
    }
  }
  const states = Object.fromEntries(named);
  return touched.length === 0 ? states : { ...states, '(touched)': Object.fromEntries(touched) };
}

function partsOf(key: unknown): readonly unknown[] {
  return Array.isArray(key) ? key : [];
}

function slice(packed: unknown): Words | undefined {
  if (!isTuple(packed, 2)) return undefined;
  const [start, value] = packed;
  return { start, value };
}

function session(packed: unknown): Words | undefined {
  if (!isTuple(packed, 3)) return undefined;
  const [start, end, value] = packed;
  return { start, end, value };
}

function windowRecords(packed: readonly unknown[]): Words | undefined {
  const [cells, records] = packed;
  if (!(cells instanceof Map) || !Array.isArray(records)) return undefined;
  const windows = allOf(records, windowRecord);
  if (windows === undefined) return undefined;
  return cells.size === 0 ? { windows } : { windows, state: namedStates(cells) ?? cells };
}

function windowRecord(packed: unknown): Words | undefined {
  if (!Array.isArray(packed) || packed.length < 8) return undefined;
  const [start, end, hasContents, contents, trigger, eventTimers, processingTimers, cells] =
    packed as unknown[];
  return {
    ...{ start, end },
    ...(hasContents === true ? { contents } : {}),
    ...(trigger === undefined ? {} : { trigger }),
    ...(isEmpty(eventTimers) ? {} : { eventTimers }),
    ...(isEmpty(processingTimers) ? {} : { processingTimers }),
    ...(cells instanceof Map && cells.size > 0 ? { state: namedStates(cells) ?? cells } : {}),
  };
}

function ranking(packed: readonly unknown[]): Words | undefined {
  const [time, entries] = packed;
  if (typeof time !== 'number' || !Array.isArray(entries)) return undefined;
  const named = allOf(entries, (entry) => {
    if (!isTuple(entry, 3)) return undefined;
    const [key, rank, element] = entry;
    return { key, rank, element };
  });
  return named && { time, entries: named };
}

/** All in words, or none of them. */
function allOf(
  packed: readonly unknown[],
  word: (one: unknown) => Words | undefined,
): Words[] | undefined {
  const words: Words[] = [];
  for (const one of packed) {
    const spoken = word(one);
    if (spoken === undefined) return undefined;
    words.push(spoken);
  }
  return words;
}

function isTuple(value: unknown, length: number): value is readonly unknown[] {
  return Array.isArray(value) && value.length === length;
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
