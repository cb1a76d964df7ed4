/** Every way in which the service says no over HTTP: a status, a code, and the four answers of every error here. */
import { TidemarkError } from '../../src/index.js';

/** Codes of the service itself, with the status that each is answered with. */
export const refusalStatus = {
  BODY_UNREADABLE: 400,
  ROUTE_UNKNOWN: 404,
  METHOD_UNKNOWN: 405,
  BODY_TOO_LARGE: 413,
  MEDIA_TYPE_UNKNOWN: 415,
  PLAYS_TOO_MANY: 429,
  REQUEST_MALFORMED: 400,
  INTERNAL: 500,
  PIPELINE_FAILED: 503,
  READERS_TOO_MANY: 503,
  STOPPING: 503,
} as const;

export type RefusalCode = keyof typeof refusalStatus;

export interface RefusalDetails {
  readonly expected: string;
  readonly got: string;
  readonly where: string;
  readonly hint: string;
  /** Further headers of the answer. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request that is not served, and why. */
export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly details: RefusalDetails;

  constructor(code: RefusalCode, details: RefusalDetails) {
    const { expected, got, where, hint } = details;
    super(`${code}: expected ${expected}, got ${got}, at ${where}. ${hint}`);
    this.name = 'Refusal';
    this.code = code;
    this.details = details;
  }
}

/** What goes over the wire. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: {
    readonly error: {
      readonly code: string;
      readonly expected: string;
      readonly got: string;
      readonly where: string;
      readonly hint: string;
    };
  };
}

/** The answer to a request that ended in an error. What we do not know ourselves is not told to strangers. */
export function answerTo(error: unknown): Answer {
  if (error instanceof Refusal) {
    const { expected, got, where, hint, headers = {} } = error.details;
    const body = { error: { code: error.code, expected, got, where, hint } };
    return { status: refusalStatus[error.code], headers, body };
  }
  if (error instanceof TidemarkError && error.code === 'RECORD_INVALID') {
    const { code, expected, got, where, hint } = error;
    return { status: 422, headers: {}, body: { error: { code, expected, got, where, hint } } };
  }
  return answerTo(
    new Refusal('INTERNAL', {
      expected: 'an answer',
      got: 'an error inside the service',
      where: 'the service',
      hint: 'The log of the service says more.',
    }),
  );
}

/** A value from outside in an error text: short, and on one line. */
export function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
