/**
 * Who waits for a checkpoint that was asked for: kept over restarts, since the next attempt serves them as well.
 *
 * Law: a demand is served by an epoch that has begun after it, once that epoch is committed and published.
 */
interface Demand {
  readonly done: (epoch: number) => void;
  readonly fail: (error: unknown) => void;
}

export class CheckpointDemands {
  #pending: Demand[] = [];
  #served: Demand[] = [];
  #end: { readonly error: unknown } | undefined;

  /** Whether somebody waits for an epoch that has not begun. */
  get areWaiting(): boolean {
    return this.#pending.length > 0;
  }

  ask(): Promise<number> {
    const demand = new Promise<number>((done, fail) => {
      if (this.#end !== undefined) fail(this.#end.error);
      else this.#pending.push({ done, fail });
    });
    // Who only triggers one need not handle what becomes of it.
    demand.catch(() => undefined);
    return demand;
  }

  /** An epoch begins: it serves all that have asked so far. */
  begun(): void {
    this.#served.push(...this.#pending.splice(0));
  }

  ended(epoch: number): void {
    for (const { done } of this.#served.splice(0)) done(epoch);
  }

  /** The epoch under way has failed; another attempt will begin one. */
  failed(): void {
    this.#pending.unshift(...this.#served.splice(0));
  }

  /** The run is over: whoever still waits, waits in vain. */
  close(error: unknown): void {
    this.#end = { error };
    this.failed();
    for (const { fail } of this.#pending.splice(0)) fail(error);
  }
}
