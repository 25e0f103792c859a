// Records the results of the client or the server: the messages and the end of each connection, and
// all violations.

/** The maximum number of connections. Their memory is allocated before the measurement. */
const MAX_CONNECTIONS = 1 << 19;

/** The maximum number of recorded violations. */
const MAX_VIOLATIONS = 20;

/** The results of the client or the server. */
export interface LedgerReport {
  readonly opened: number;
  readonly closed: number;
  readonly messages: number;
  /** The count of each kind of end. */
  readonly endings: Readonly<Record<string, number>>;
  /** The violations. */
  readonly violations: readonly string[];
}

/** Records the results of the client or the server. */
export class Ledger {
  /** The number of messages, by connection. */
  readonly counts: Uint32Array = new Uint32Array(MAX_CONNECTIONS);
  /** Whether the close was clean, by connection. */
  readonly clean: Uint8Array = new Uint8Array(MAX_CONNECTIONS);
  readonly #states = new Uint8Array(MAX_CONNECTIONS);
  #endings: Record<string, number> = {};
  #violations: string[] = [];
  opened = 0;
  closed = 0;
  messages = 0;

  /** Records that a connection opened, which must happen once. */
  open(id: number): void {
    if (this.#states[id] !== 0) this.addViolation(`connection ${id} opened again`);
    this.#states[id] = 1;
    this.opened++;
  }

  /** Records a message of a connection, which must be open. */
  message(id: number): void {
    if (this.#states[id] !== 1) this.addViolation(`connection ${id} got a message while not open`);
    this.counts[id]++;
    this.messages++;
  }

  /** Records the end of a connection, which must be open. */
  close(id: number, ending: string, clean: boolean): void {
    if (this.#states[id] !== 1) this.addViolation(`connection ${id} was closed while not open`);
    this.#states[id] = 2;
    this.clean[id] = clean ? 1 : 0;
    this.closed++;
    this.count(ending);
  }

  /** Increments a count by name. */
  count(ending: string): void {
    this.#endings[ending] = (this.#endings[ending] ?? 0) + 1;
  }

  /** Records a violation. */
  addViolation(violation: string): void {
    if (this.#violations.length < MAX_VIOLATIONS) this.#violations.push(violation);
  }

  /** Returns the messages and clean closes of the connections with a number below `end`. */
  perConnection(end: number = MAX_CONNECTIONS): { counts: number[]; clean: number[] } {
    const last = Math.min(end, this.#states.findLastIndex((state) => state !== 0) + 1);
    return {
      counts: [...this.counts.subarray(0, last)],
      clean: [...this.clean.subarray(0, last)],
    };
  }

  /** Returns the results so far. */
  report(): LedgerReport {
    const { opened, closed, messages } = this;
    return {
      opened,
      closed,
      messages,
      endings: { ...this.#endings },
      violations: [...this.#violations],
    };
  }
}
