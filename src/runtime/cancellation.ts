/**
 * Lets a run be ended at once while it waits for something that may hang: its recovery, or a savepoint. What was waited
 * for goes on behind its back, so it is remembered, to be given a moment and then to be tidied up after.
 */
export class Cancellation {
  #reason: { readonly error: unknown } | undefined;
  #cancel: (error: unknown) => void = () => undefined;
  #pending: Promise<void> | undefined;

  /** What has been left to itself; undefined once it has settled. */
  get pending(): Promise<void> | undefined {
    return this.#pending;
  }

  /** Ends the wait, now and in future. */
  cancel(error: unknown): void {
    this.#reason ??= { error };
    this.#cancel(error);
  }

  /** Does the work unless it is cancelled before; rejects when it is cancelled meanwhile. */
  async wait(work: () => Promise<void>): Promise<void> {
    if (this.#reason !== undefined) throw this.#reason.error;
    const cancelled = new Promise<never>((_, reject) => (this.#cancel = reject));
    this.#pending = work().finally(() => (this.#pending = undefined));
    await Promise.race([this.#pending, cancelled]);
  }
}
