/** Every bound of the service in one place: whatever comes from outside meets one of these. */

export const limits = {
  /** Of the body of a request, in bytes. */
  bodyBytes: 64 * 1024,
  /** Of the name of a song, in UTF-16 units. */
  songLength: 120,
  /** Places of a chart. */
  places: 10,
  /** How far the clock of a player may run ahead of ours, in ms; state for the year 3000 would never go away. */
  aheadMs: 10_000,
  /**
   * Plays taken per second, and twice as many at once, which is more than a body can hold. It bounds the state too:
   * a minute of plays of ever new songs at this rate takes about 400 MB.
   */
  playsPerSecond: 3_000,
  /** Open streams. */
  readers: 100,
  /** Open connections; more are dropped by the server before a request is read. */
  connections: 1_000,
  /** A comment goes to each stream after so many ms, so that proxies keep it and dead ones are found. */
  heartbeatMs: 15_000,
  /** A reader that has taken nothing over so many heartbeats is let go. */
  heartbeatsMissed: 4,
  /** From the end of the lingering to the last closed connection, in ms. */
  stopMs: 5_000,
  /** A request has to be there, to its last byte, within so many ms and a quarter. */
  requestMs: 10_000,
} as const;
