/**
 * Slows a source down to what an eye can follow.
 *
 * A job reads ahead and lets thousands of results wait for a slow sink, which is right for throughput and wrong for
 * a display: the bar would stand at 100 % while the charts of the morning are still being shown.
 */
import type { Source } from '../../src/index.js';

/**
 * The same source, except that it waits before each chunk.
 *
 * @param ready resolves when the next chunk may be read
 */
export function paced<T>(source: Source<T>, ready: () => Promise<void>): Source<T> {
  return {
    ...source,
    async open(split, cursor, runtime) {
      const reader = await source.open(split, cursor, runtime);
      return {
        async read() {
          await ready();
          return reader.read();
        },
        close: () => reader.close(),
      };
    },
  };
}

const frameMs = 100;
/** What one looks at longer than this is no demo any more. */
const budgetMs = 30_000;

/**
 * How long a chart is shown: a frame, or less when there are so many that the whole would take too long.
 *
 * @param share how much of the input has been read, where that is known
 */
export function paceMs({
  charts,
  elapsedMs,
  share = 0,
}: {
  charts: number;
  elapsedMs: number;
  share: number | undefined;
}): number {
  if (share <= 0) return frameMs;
  const left = (charts / share) * (1 - share);
  return Math.max(0, Math.min(frameMs, (budgetMs - elapsedMs) / Math.max(1, left)));
}
