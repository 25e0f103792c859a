// The number of handshakes and connections of a server, in total and by address.

import type { LimitReport } from "../connection/handlers.ts";
import { HandshakeError } from "../errors.ts";
import { MemoryGovernor } from "../message/memory_governor.ts";

/** The limits of a {@linkcode ConnectionCount}. */
export interface ConnectionLimits {
  /** See the option `maxConnections`. */
  readonly maxConnections: number;
  /** See the option `maxConnectionsPerAddress`. */
  readonly maxConnectionsPerAddress: number;
  /** See the option `reportOnly`. */
  readonly reportOnly: boolean;
  /** The options of connections. */
  readonly connection?: { readonly memoryLimit: number };
}

/** Counts opening handshakes and open connections of a server, in total and by address. */
export class ConnectionCount {
  readonly #limits: ConnectionLimits;
  readonly #open: () => number;
  readonly #report: (report: LimitReport) => void;
  readonly #byAddress: Map<string, number> = new Map();
  #handshakes = 0;

  /**
   * @param limits The limits.
   * @param open The number of open connections.
   * @param report Called for each client over a limit.
   */
  constructor(
    limits: ConnectionLimits,
    open: () => number,
    report: (report: LimitReport) => void,
  ) {
    this.#limits = limits;
    this.#open = open;
    this.#report = report;
  }

  /** The memory limit for all connections of the process, in bytes. */
  get memoryLimit(): number {
    return this.#limits.connection?.memoryLimit ?? Infinity;
  }

  /** Pending handshakes, including plain HTTP requests. */
  get handshakes(): number {
    return this.#handshakes;
  }

  /**
   * Counts another handshake.
   *
   * @throws {HandshakeError} When `maxConnections` is exceeded or memory is near `memoryLimit`; the
   * handshake is then not counted.
   */
  addHandshake(remoteAddress: string): void {
    const { memoryLimit } = this;
    if (MemoryGovernor.ofProcess.isNear(memoryLimit)) throw memoryNear(memoryLimit);
    this.#check("maxConnections", this.#open() + this.#handshakes + 1, remoteAddress);
    this.#handshakes++;
  }

  /** A handshake has ended: it failed or is now an open connection. */
  removeHandshake(): void {
    this.#handshakes--;
  }

  /**
   * Counts another connection from an address, except for unix sockets.
   *
   * @throws {HandshakeError} When `maxConnectionsPerAddress` is exceeded; the connection is then
   *   not counted.
   */
  addAddress(remoteAddress: string): void {
    if (this.#limits.maxConnectionsPerAddress === Infinity || remoteAddress === "") return;
    const value = (this.#byAddress.get(remoteAddress) ?? 0) + 1;
    this.#check("maxConnectionsPerAddress", value, remoteAddress);
    this.#byAddress.set(remoteAddress, value);
  }

  /** A connection from an address has ended. */
  removeAddress(remoteAddress: string): void {
    const value = this.#byAddress.get(remoteAddress);
    if (value === undefined) return;
    if (value === 1) this.#byAddress.delete(remoteAddress);
    else this.#byAddress.set(remoteAddress, value - 1);
  }

  #check(
    limit: "maxConnections" | "maxConnectionsPerAddress",
    value: number,
    remoteAddress: string,
  ): void {
    const max = this.#limits[limit];
    if (value <= max) return;
    const enforced = !this.#limits.reportOnly;
    this.#report({ limit, max, value, remoteAddress, enforced });
    if (!enforced) return;
    const what = limit === "maxConnections" ? "Connection limit" : "Connection limit per address";
    throw new HandshakeError("TOO_MANY_CONNECTIONS", `${what} reached (${limit}: ${max})`, {
      status: 503,
    });
  }
}

/** The rejection of a handshake because memory is near the limit. */
export function memoryNear(memoryLimit: number): HandshakeError {
  return new HandshakeError("MEMORY_LIMIT", `Memory limit near (memoryLimit: ${memoryLimit})`, {
    status: 503,
  });
}
