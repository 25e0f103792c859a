// Numbers for those connections whose messages go a long way round and must not come back to them.

import type { ConnectionDriver } from "../connection/connection_driver.ts";

/** The greatest number; after it they begin anew. */
const MAX_NUMBER = 0xffffffff;

/** Connections by their numbers, and the other way round. */
export class ConnectionNumbers {
  readonly #numbers: Map<ConnectionDriver, number> = new Map();
  readonly #connections: Map<number, ConnectionDriver> = new Map();
  #last = 0;

  /** The number of a connection, from 1: one of its own, until it is forgotten. */
  of(connection: ConnectionDriver): number {
    const known = this.#numbers.get(connection);
    if (known !== undefined) return known;
    do {
      this.#last = this.#last === MAX_NUMBER ? 1 : this.#last + 1;
    } while (this.#connections.has(this.#last));
    this.#numbers.set(connection, this.#last);
    this.#connections.set(this.#last, connection);
    return this.#last;
  }

  /** The connection that has a number. */
  connection(number: number): ConnectionDriver | undefined {
    return this.#connections.get(number);
  }

  /** A connection is over. */
  forget(connection: ConnectionDriver): void {
    const number = this.#numbers.get(connection);
    if (number === undefined) return;
    this.#numbers.delete(connection);
    this.#connections.delete(number);
  }
}
