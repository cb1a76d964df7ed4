/** Times, spans and numbers as people read them, for reports. */
import { formatDuration } from '../core/duration.js';
import { MAX_WATERMARK, MIN_WATERMARK } from '../core/flow.js';

/** A time as people read it, in UTC. */
export function timeText(time: number): string {
  if (time === MIN_WATERMARK) return 'none';
  if (time === MAX_WATERMARK) return 'the end';
  // Beyond the range of a Date, which timers may well be set to.
  if (Math.abs(time) > 8.64e15) return String(time);
  return new Date(time).toISOString().replace('T', ' ').replace('Z', '');
}

/** A span as people read it: exact where that is short, else one decimal of the largest unit. */
export function spanText(ms: number): string {
  const whole = Math.round(ms);
  const exact = formatDuration(whole);
  if (exact.length <= 5) return exact;
  if (whole < 60_000) return `${whole / 1000}s`;
  if (whole < 3_600_000) return `${(whole / 60_000).toFixed(1)}m`;
  return whole < 86_400_000
    ? `${(whole / 3_600_000).toFixed(1)}h`
    : `${(whole / 86_400_000).toFixed(1)}d`;
}

/** `1 timer`, `2 timers`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
