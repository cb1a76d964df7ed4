/** A terminal that is redrawn in place: on a page of its own, without flicker, and left as it was found. */

/** The part of `process.stdout` that a screen needs. */
export interface Terminal {
  write(text: string): unknown;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

const enter = '\u001B[?1049h\u001B[?25l';
const leave = '\u001B[?25h\u001B[?1049l';
/** Terminals that know it show what stands between the two at once; others ignore it. */
const frameBegin = '\u001B[?2026h\u001B[H';
const frameEnd = '\u001B[J\u001B[?2026l';

export class Screen {
  readonly #terminal: Terminal;
  #isOpen = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  get columns(): number {
    return this.#terminal.columns || 80;
  }

  get rows(): number {
    return this.#terminal.rows || 24;
  }

  /** Draws over what was there: each line is cleared behind its end, never before it, so nothing flickers. */
  draw(lines: readonly string[]): void {
    const shown = lines.slice(0, this.rows).map((line) => `${line}\u001B[K`);
    const opening = this.#isOpen ? '' : enter;
    this.#isOpen = true;
    this.#terminal.write(`${opening}${frameBegin}${shown.join('\r\n')}${frameEnd}`);
  }

  /** Gives the terminal back with its cursor; harmless when it was never taken, and when said twice. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#terminal.write(leave);
  }
}
