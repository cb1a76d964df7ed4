/** `'5m'` to milliseconds, or an error that says what is allowed. */
import { TidemarkError, show } from './errors.js';

/** Whole milliseconds as a number, or text: a number and one of `ms`, `s`, `m`, `h`, `d`, such as `'1.5h'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * Reads a duration.
 *
 * @param where the option it was given for, such as `window.size`
 * @throws TidemarkError DURATION_INVALID
 */
export function durationMs(duration: Duration, where: string): number {
  const ms = typeof duration === 'string' ? parse(duration) : duration;
  if (ms === undefined || !Number.isSafeInteger(ms) || ms < 0)
    throw new TidemarkError('DURATION_INVALID', {
      expected:
        "a whole number of milliseconds >= 0, or text such as '500ms', '30s', '5m', '1h', '1d'",
      got: show(duration),
      where,
      hint: 'Write the unit directly behind the number, without a space.',
    });
  return ms;
}

/** The shortest text for a number of milliseconds: `300000` is `5m`. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return String(ms);
  for (const unit of ['d', 'h', 'm', 's'] as const)
    if (ms !== 0 && ms % unitMs[unit] === 0) return `${ms / unitMs[unit]}${unit}`;
  return `${ms}ms`;
}

function parse(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  if (match === null) return undefined;
  const ms = Number(match[1]) * unitMs[match[2] as keyof typeof unitMs];
  return Math.abs(ms - Math.round(ms)) < 1e-6 ? Math.round(ms) : undefined;
}
