/** `tidemark state …` and `tidemark checkpoints`: what a job has committed, read without the job. */
import { encodeValue } from '../state/value-codec.js';
import { StateReader, type StateEntry } from '../checkpoint/state-reader.js';
import { TidemarkError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { spanText, timeText } from '../runtime/time-words.js';
import { encodeKey, byteText } from '../state/key-codec.js';
import { toJson } from '../state/json-value.js';
import { readLmdb, type LmdbView } from '../state/lmdb-view.js';
import { exitCodes, type Fact } from './io.js';
import { amount } from './progress.js';
import { shown, type Speech } from './speech.js';

/** Also where the directory is that of a table or of a log, which no epochs of a job are in. */
export const nothingYet = 'No epoch of a job has been committed in this directory yet.';

export async function listState(directory: string, speech: Speech): Promise<number> {
  return looking(directory, speech, async (reader) => {
    if (reader.uids().length === 0) {
      const text = reader.record === undefined ? nothingYet : 'No step of this job has state.';
      await speech.answer({ type: 'nothing' }, text);
    }
    for (const uid of reader.uids()) {
      const size = reader.size(uid);
      const timers = size.eventTimers + size.processingTimers;
      const parts = [
        ...[uid.padEnd(20), size.operator.padEnd(10), `${amount(size.keys)} keys`.padEnd(16)],
        ...[`${amount(timers)} timers`.padEnd(14), `${amount(size.bytes)} bytes`],
      ];
      await speech.answer({ type: 'state', ...size }, parts.join('  ').trimEnd());
    }
    return exitCodes.done;
  });
}

export async function getState(
  directory: string,
  wanted: { readonly uid: string; readonly key: string },
  speech: Speech,
): Promise<number> {
  return looking(directory, speech, async (reader) => {
    const { uid } = wanted;
    checkUid(reader, uid, directory);
    const key = keyOf(wanted.key);
    const entries = reader.of(uid, key);
    if (entries.length === 0)
      throw new TidemarkError('OPTIONS_INVALID', {
        expected: `a key that "${uid}" holds`,
        got: shown(key),
        where: directory,
        hint: 'KEY is JSON: the text 5 is \'"5"\', an array \'[1,"a"]\'. tidemark state export lists all keys.',
      });
    for (const entry of entries) await speech.answer(factOf(uid, entry), textOf(entry));
    return exitCodes.done;
  });
}

/** Always JSON: it is meant for programs. */
export async function exportState(
  directory: string,
  uid: string | undefined,
  speech: Speech,
): Promise<number> {
  return looking(directory, speech, async (reader) => {
    if (uid !== undefined) checkUid(reader, uid, directory);
    for (const each of uid === undefined ? reader.uids() : [uid])
      for (const range of reader.ranges())
        for (const entry of reader.entries(each, range)) {
          const fact = factOf(each, entry);
          await speech.answer(fact, speech.asJson(fact));
        }
    return exitCodes.done;
  });
}

export async function diffState(before: string, after: string, speech: Speech): Promise<number> {
  return looking(before, speech, (first) =>
    looking(after, speech, async (second) => {
      const uids = new Set([...first.uids(), ...second.uids()]);
      const counts = { added: 0, removed: 0, changed: 0 };
      for (const uid of [...uids].toSorted())
        for (const change of changesOf(uid, first, second)) {
          counts[change.type] += 1;
          await speech.answer(factOfChange(change), changeText(change));
        }
      const { added, removed, changed } = counts;
      const text = `${amount(added)} added, ${amount(removed)} removed, ${amount(changed)} changed`;
      await speech.answer({ type: 'difference', ...counts }, text);
      return added + removed + changed === 0 ? exitCodes.done : exitCodes.different;
    }),
  );
}

export async function checkpoints(directory: string, speech: Speech): Promise<number> {
  return looking(directory, speech, async (reader, view) => {
    const { record } = reader;
    if (record === undefined) {
      await speech.answer({ type: 'nothing' }, nothingYet);
      return exitCodes.done;
    }
    for (const past of record.history ?? []) {
      const { epoch, time, durationMs, bytes, reason } = past;
      const parts = [
        ...[`epoch ${epoch}`.padEnd(12), timeText(time).replace(/\.\d+$/, '')],
        ...[spanText(durationMs).padStart(7), `${amount(bytes)} bytes`.padStart(16), reason],
      ];
      await speech.answer({ type: 'checkpoint', ...past }, parts.join('  '));
    }
    const { job, epoch, records, isFinished } = record;
    const { fileBytes, owner } = view;
    const state = isFinished ? 'finished' : owner === undefined ? 'not running' : 'running';
    const facts = [
      ...[`epoch ${epoch}`, `${amount(records)} records`],
      `${amount(fileBytes)} bytes on disk`,
    ];
    await speech.answer(
      { type: 'committed', job, epoch, records, isFinished, fileBytes, owner },
      `${job}: ${facts.join(', ')}, ${state}`,
    );
    return exitCodes.done;
  });
}

/** Opens state for the time of a look. A job that holds it is not disturbed: what is seen is its last commit. */
async function looking<Out>(
  directory: string,
  speech: Speech,
  look: (reader: StateReader, view: LmdbView) => Promise<Out>,
): Promise<Out> {
  const view = await readLmdb(directory);
  try {
    const { owner } = view;
    if (owner !== undefined)
      speech.note(
        { type: 'held', directory, owner },
        `${directory} is held by process ${owner}; this is its last commit.`,
      );
    return await look(new StateReader(view.backend, { where: directory }), view);
  } finally {
    await view.close();
  }
}

function checkUid(reader: StateReader, uid: string, directory: string): void {
  const known = reader.uids();
  if (known.includes(uid)) return;
  throw new TidemarkError('OPTIONS_INVALID', {
    expected: known.length === 0 ? 'an operator with state' : `one of ${known.join(', ')}`,
    got: uid,
    where: directory,
    hint: 'tidemark state list says what is there.',
  });
}

function keyOf(text: string): Key {
  try {
    return JSON.parse(text) as Key;
  } catch {
    return text;
  }
}

function factOf(uid: string, entry: StateEntry): Fact {
  return entry.kind === 'slot'
    ? { type: 'value', uid, key: toJson(entry.key), value: toJson(entry.value) }
    : { type: 'timer', uid, key: toJson(entry.key), domain: entry.domain, time: entry.time };
}

function textOf(entry: StateEntry): string {
  if (entry.kind === 'slot') return shown(entry.value);
  return `${domainText(entry)} timer at ${timeText(entry.time)}`;
}

function domainText({ domain }: { readonly domain: string }): string {
  return domain === 'event' ? 'event-time' : 'processing-time';
}

interface Change extends Readonly<Record<string, unknown>> {
  readonly type: 'added' | 'removed' | 'changed';
  readonly uid: string;
  readonly key: Key;
  readonly before?: unknown;
  readonly after?: unknown;
  /** Of a timer, which is there or not. */
  readonly domain?: string;
  readonly time?: number;
}

/** Range by range where both sides cut their keys alike, else all at once. */
function* changesOf(uid: string, first: StateReader, second: StateReader): Generator<Change> {
  const isAlike = first.record?.maxParallelism === second.record?.maxParallelism;
  for (const range of isAlike ? first.ranges() : [undefined])
    yield* compare(uid, first.entries(uid, range), second.entries(uid, range));
}

function* compare(
  uid: string,
  before: readonly StateEntry[],
  after: readonly StateEntry[],
): Generator<Change> {
  const left = new Map(before.map((entry) => [nameOf(entry), entry]));
  for (const entry of after) {
    const name = nameOf(entry);
    const former = left.get(name);
    left.delete(name);
    if (former === undefined) yield changeOf('added', uid, entry);
    else if (entry.kind === 'slot' && former.kind === 'slot' && !isSame(former.value, entry.value))
      yield { type: 'changed', uid, key: entry.key, before: former.value, after: entry.value };
  }
  for (const entry of left.values()) yield changeOf('removed', uid, entry);
}

function changeOf(type: 'added' | 'removed', uid: string, entry: StateEntry): Change {
  const { key } = entry;
  if (entry.kind === 'timer') return { type, uid, key, domain: entry.domain, time: entry.time };
  return type === 'added'
    ? { type, uid, key, after: entry.value }
    : { type, uid, key, before: entry.value };
}

function nameOf(entry: StateEntry): string {
  const place = entry.kind === 'slot' ? 'slot' : `${entry.domain} ${entry.time}`;
  return `${place} ${byteText(encodeKey(entry.key))}`;
}

function isSame(a: unknown, b: unknown): boolean {
  return byteText(encodeValue(a)) === byteText(encodeValue(b));
}

function factOfChange({ key, before, after, ...rest }: Change): Fact {
  return {
    ...{ ...rest, key: toJson(key) },
    ...(before === undefined ? {} : { before: toJson(before) }),
    ...(after === undefined ? {} : { after: toJson(after) }),
  };
}

function changeText(change: Change): string {
  const { type, uid, key, time, before, after } = change;
  const place = `${uid} ${shown(key)}`;
  const what = (value: unknown): string =>
    time === undefined
      ? shown(value)
      : `${domainText({ domain: change.domain ?? '' })} timer at ${timeText(time)}`;
  if (type === 'changed') return `~ ${place}: ${shown(before)} -> ${shown(after)}`;
  return type === 'added' ? `+ ${place}: ${what(after)}` : `- ${place}: ${what(before)}`;
}
