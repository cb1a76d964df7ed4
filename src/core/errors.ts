/**
 * Every error that Tidemark raises about the world, in one table: code, sentence, whether a retry may help.
 *
 * A sentence always answers four questions: what was expected, what was got, where, and what to do now.
 * Our own mistakes are `assert`ed instead: they are bugs, and nobody should catch them.
 */

interface ErrorEntry {
  /** What this error means, in one sentence; `docs/errors.md` carries it word for word. */
  readonly meaning: string;
  /** Whether the same call may succeed later without anybody changing anything. */
  readonly retryable: boolean;
}

export const errorTable = {
  DURATION_INVALID: entry(
    'A duration is neither a whole number of milliseconds nor text such as "5m".',
  ),
  OPTIONS_INVALID: entry(
    'One or more options are missing, unknown, or out of range; all are listed.',
  ),
  UID_DUPLICATE: entry(
    'Two stateful operators or sinks carry the same uid, so their state could not be told apart.',
  ),
  UID_INVALID: entry(
    'A uid or a name holds characters outside A-Z, a-z, 0-9, dot, underscore and hyphen, or is longer than 64.',
  ),
  KEY_MISSING: entry('A keyed operator stands on a stream that no keyBy has keyed.'),
  KEY_INVALID: entry(
    'A key is not a string, number, boolean, bigint, or an array or flat object of those.',
  ),
  TIME_MISSING: entry('An event-time operator stands on a stream that has no eventTime before it.'),
  TIME_REASSIGNED: entry(
    'An eventTime stands behind a stateful step or a keyBy, where changing time would break the watermark.',
  ),
  TIMESTAMP_INVALID: entry(
    'The timestamp of an element is not a finite number of milliseconds in the allowed range.',
  ),
  TIMESTAMP_IN_FUTURE: entry(
    'The timestamp of an element lies further ahead of the time when it was appended than maxFuture allows.',
  ),
  WATERMARK_INVALID: entry('A watermark generator gave something that is not a number.'),
  WINDOW_INVALID: entry('A window specification has a size, slide or offset that makes no window.'),
  WINDOW_UNBOUNDED: entry(
    'A window would keep its elements for ever, because nothing ends or empties it.',
  ),
  WINDOW_CONTRADICTION: entry('Two options of a window contradict each other; both are named.'),
  STREAM_LIFTED: entry(
    'A Tidemark step stands on an Observable that a stock RxJS operator has made from a DataStream.',
  ),
  STREAM_FOREIGN: entry(
    'The graph has a root that is not one of the declared inputs of the pipeline.',
  ),
  BROADCAST_READ_ONLY: entry(
    'Broadcast state was written by a function that has no element of the broadcast stream in hand.',
  ),
  OUTPUT_UNKNOWN: entry('A side output is read from an operator that does not declare it.'),
  RX_NOT_SYNCHRONOUS: entry(
    'A stock operator inside rx() emitted later, completed early, or did not complete at once.',
  ),
  USER_FUNCTION_FAILED: entry(
    'A function given by the user threw; the operator, key, timestamp, position and cause are named.',
  ),
  USER_FUNCTION_ASYNC: entry(
    'A function given by the user returned a promise where only a plain value is allowed.',
  ),
  ASYNC_TIMEOUT: entry(
    'A call of asyncMap was not answered in time, and nothing says what to go on with.',
    true,
  ),
  ASYNC_OVERFLOW: entry(
    'More elements came into an asyncMap of a subscription than it has capacity for.',
  ),
  REENTRY_OVERFLOW: entry(
    'More elements were pushed from inside a step than the re-entry queue may hold.',
  ),
  RECORD_INVALID: entry('A record does not have the shape that the input declares.'),
  RECORD_UNREADABLE: entry('A line of a file could not be read in the declared format.'),
  SOURCE_FAILED: entry('A source reported an error while it was read.', true),
  SOURCE_NOT_REPLAYABLE: entry(
    'An exactly-once job reads a source that cannot be read again from a position.',
  ),
  SOURCE_CHANGED: entry(
    'A source no longer holds what the committed position says has been read from it.',
  ),
  INGEST_FULL: entry(
    'An ingest log has no room for another value, and as many pushes wait as may.',
    true,
  ),
  INGEST_CLOSED: entry('An ingest log was ended or closed, and takes no more values.'),
  TABLE_NOT_FOUND: entry('A directory holds no table that a job has written.', true),
  SINK_FAILED: entry('A sink reported an error while it was written.', true),
  SINK_CLOSED: entry('Whoever took the output of a sink has gone, such as the reader of a pipe.'),
  SINK_TOO_WEAK: entry(
    'An exactly-once job writes to a sink that may repeat outputs, and the sink does not allow it.',
  ),
  DEAD_LETTERS_EXCEEDED: entry(
    'More records failed than the job tolerates, so it stopped before it drained its input.',
  ),
  JOB_FAILED_TWICE: entry('The same position failed a stateful step twice.'),
  STATE_IN_USE: entry('The state directory is held by another live process.', true),
  STATE_OF_ANOTHER_JOB: entry('The state directory belongs to a job of another name.'),
  STATE_DAMAGED: entry(
    'A committed piece of state is missing, truncated, or does not match its checksum.',
  ),
  STATE_VERSION_UNKNOWN: entry(
    'The state was written in a format version that this release does not know.',
  ),
  STATE_INCOMPATIBLE: entry(
    'The committed state does not fit the pipeline: an operator is missing or its state has another shape.',
  ),
  STATE_NOT_EMPTY: entry(
    'A job is to resume from a savepoint, but its state already holds something else.',
  ),
  STATE_LIMIT: entry('An operator keeps more keys or bytes of state than its limits allow.'),
  STATE_WRITE_FAILED: entry(
    'The state backend could not write, so the epoch was not committed.',
    true,
  ),
  MAX_PARALLELISM_CHANGED: entry(
    'maxParallelism differs from the one that the state was written with.',
  ),
  VALUE_NOT_ENCODABLE: entry(
    'A state value holds something that would not come back the same, such as a function or a class instance.',
  ),
  BYTES_MALFORMED: entry(
    'Bytes could not be decoded: they are truncated or not in the expected form.',
  ),
  KAFKA_UNSUPPORTED: entry(
    'The broker or the installed kafkajs lacks something that Tidemark sends or uses.',
  ),
  CASE_FAILED: entry(
    'A case given to verifyOperator, verifySource or verifySink did not come out as it says.',
  ),
  CHECKPOINT_TIMEOUT: entry(
    'An epoch did not come to its end in time; what it waited for is named.',
    true,
  ),
  RUN_ENDED: entry('A checkpoint was asked for that the run did not live to see.'),
  SOURCE_UNBOUNDED: entry('A batch job reads a source that never ends.'),
  RUN_CANCELLED: entry(
    'The run was cancelled, by its signal or by a second signal to its process.',
  ),
  JOB_FILE_INVALID: entry('A job file could not be loaded, or its default export is not a job.'),
  PACKAGE_MISSING: entry('An optional package that is needed here is not installed.'),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorTable;

/** The four answers that every error gives. All are plain text, ready to print. */
export interface ErrorDetails {
  readonly expected: string;
  readonly got: string;
  /** The operator, input, file, line or option concerned. */
  readonly where: string;
  /** What the reader should do now. */
  readonly hint: string;
  readonly cause?: unknown;
}

/** An error about the world (input, options, disk, user code), never about a bug of ours. */
export class TidemarkError extends Error {
  readonly code: ErrorCode;
  readonly expected: string;
  readonly got: string;
  readonly where: string;
  readonly hint: string;
  readonly retryable: boolean;

  constructor(code: ErrorCode, details: ErrorDetails) {
    const { expected, got, where, hint, cause } = details;
    super(
      `${code}: expected ${expected}, got ${got}, at ${where}. ${hint}`,
      cause === undefined ? undefined : { cause },
    );
    this.name = 'TidemarkError';
    this.code = code;
    this.expected = expected;
    this.got = got;
    this.where = where;
    this.hint = hint;
    this.retryable = errorTable[code].retryable;
  }
}

/** Where in the stream something went wrong; every field that is known is filled. */
export interface FailurePlace {
  /** uid, or the derived name of a stateless step. */
  readonly operator: string;
  readonly key?: unknown;
  /** Event time in milliseconds. */
  readonly timestamp?: number | undefined;
  /** Which source record was in hand, such as `plays.csv line 17`. */
  readonly position?: string | undefined;
}

/** An error that happened while an element was processed: a `TidemarkError` that also carries the place. */
export class PipelineError extends TidemarkError {
  readonly operator: string;
  readonly key: unknown;
  readonly timestamp: number | undefined;
  readonly position: string | undefined;

  constructor(code: ErrorCode, details: Omit<ErrorDetails, 'where'>, place: FailurePlace) {
    super(code, { ...details, where: describePlace(place) });
    this.name = 'PipelineError';
    this.operator = place.operator;
    this.key = place.key;
    this.timestamp = place.timestamp;
    this.position = place.position;
  }
}

/** Stops on a bug of ours. Never use it to check what a user or the outside world gave. */
export function assert(condition: boolean, law: string): asserts condition {
  if (!condition) throw new Error(`Tidemark bug: ${law}`);
}

/** Shows any value in an error text: short, on one line, never throwing. */
export function show(value: unknown): string {
  let text: string;
  try {
    if (typeof value === 'string') text = JSON.stringify(value);
    else if (typeof value === 'bigint') text = `${value}n`;
    else if (typeof value === 'function') text = `function ${value.name || '(anonymous)'}`;
    else if (value instanceof Error) text = `${value.name}: ${value.message}`;
    else if (typeof value === 'object' && value !== null)
      text = JSON.stringify(value, (_key, inner: unknown) =>
        typeof inner === 'bigint' ? `${inner}n` : inner,
      );
    else text = String(value);
  } catch {
    text = Object.prototype.toString.call(value);
  }
  text ??= 'undefined';
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

function describePlace({ operator, key, timestamp, position }: FailurePlace): string {
  const parts = [`operator "${operator}"`];
  if (key !== undefined) parts.push(`key ${show(key)}`);
  if (timestamp !== undefined) parts.push(`timestamp ${timestamp}`);
  if (position !== undefined) parts.push(position);
  return parts.join(', ');
}

function entry(meaning: string, retryable = false): ErrorEntry {
  return { meaning, retryable };
}
