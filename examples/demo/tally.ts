// The counters of the demo server, and their log line.

/** Counts since the start. */
export class Tally {
  /** Connections that were opened. */
  opened = 0;
  /** Connections that were closed. */
  closed = 0;
  /** Messages that were echoed. */
  messages = 0;
  /** Their total size: in bytes, or in characters for text. */
  bytes = 0;
  #lastChange = 0;
  #lastMessages = 0;

  /**
   * Returns a line for the terminal, or `undefined` if nothing has happened since the last call.
   */
  report(): string | undefined {
    const change = this.opened + this.closed + this.messages;
    if (change === this.#lastChange) return undefined;
    const rate = this.messages - this.#lastMessages;
    this.#lastChange = change;
    this.#lastMessages = this.messages;
    return `${this.opened - this.closed} of ${this.opened} connections open, ` +
      `${this.messages} messages (${rate} just now), ${(this.bytes / 1024).toFixed(1)} KiB`;
  }
}
