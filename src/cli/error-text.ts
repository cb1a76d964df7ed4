/**
 * Errors for people and for programs: code, sentence, hint; the stack only for those who ask.
 *
 * They are known by their shape and not by their class, because the job may have been built with another copy of the
 * package than the command line is.
 */
import { show } from '../core/errors.js';
import type { Fact } from './io.js';

interface Coded {
  readonly code: string;
  readonly expected: string;
  readonly got: string;
  readonly where: string;
  readonly hint: string;
  readonly retryable: boolean;
}

export function isCoded(error: unknown): error is Error & Coded {
  return (
    error instanceof Error &&
    ['code', 'expected', 'got', 'where', 'hint'].every(
      (name) => typeof (error as unknown as Record<string, unknown>)[name] === 'string',
    )
  );
}

export function factsOfError(error: unknown, { verbose }: { readonly verbose: boolean }): Fact {
  const stack = verbose ? { stack: stackOf(error) } : {};
  if (!isCoded(error))
    return { type: 'error', code: 'UNEXPECTED', message: show(error), hint: unexpected, ...stack };
  const { code, expected, got, where, hint, retryable, message } = error;
  const cause = error.cause === undefined ? {} : { cause: show(error.cause) };
  return {
    ...{ type: 'error', code, message, expected, got, where, hint, retryable },
    ...cause,
    ...stack,
  };
}

export function textOfError(error: unknown, { verbose }: { readonly verbose: boolean }): string {
  const stack = verbose ? `\n${stackOf(error)}` : '';
  if (!isCoded(error)) return `UNEXPECTED: ${show(error)}\n  ${unexpected}${stack}`;
  const { code, expected, got, where, hint } = error;
  // Where the sentence has said it already, it is not said twice.
  const isNews = error.cause instanceof Error && !got.includes(error.cause.message.slice(0, 60));
  const cause = isNews ? `\n  Cause: ${show(error.cause)}` : '';
  return `${code}: expected ${expected}, got ${got}, at ${where}.${cause}\n  ${hint}${stack}`;
}

const unexpected =
  'It has no code, so it comes from the job file, or is a bug; --verbose shows the stack.';

/** With the causes behind it. */
function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return show(error);
  const own = error.stack ?? String(error);
  return error.cause === undefined ? own : `${own}\ncaused by ${stackOf(error.cause)}`;
}
