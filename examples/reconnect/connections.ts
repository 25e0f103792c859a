// Connections to one server, one after another, for a client that wants to stay connected.

import { setTimeout as sleep } from "node:timers/promises";
import {
  CloseCode,
  type CloseInfo,
  connect,
  type Connection,
  type ConnectOptions,
  HandshakeError,
  WebSocketError,
} from "@quickws/quickws";

/** How often, and after how long, another connection is tried. */
export interface Backoff {
  /** Milliseconds before the second attempt, doubled for each that follows. Default: 500. */
  first?: number;
  /** The longest wait that this grows to. Default: 30000. */
  longest?: number;
  /** Attempts in a row that may fail. Default: 10. */
  attempts?: number;
  /** Milliseconds to wait when the server says that it restarts. Default: 5000 to 30000. */
  restart?: readonly [least: number, most: number];
  /**
   * Resolves when somebody wants another attempt at a server that is overloaded. Without it there is
   * none: that is what the server asks for.
   */
  again?: () => Promise<void>;
  /** Ends all of it. */
  signal?: AbortSignal;
}

/** Close codes after which another connection would end in the same way. */
const FINAL: readonly number[] = [
  CloseCode.Normal,
  CloseCode.ProtocolError,
  CloseCode.UnsupportedData,
  CloseCode.InvalidPayload,
  CloseCode.PolicyViolation,
  CloseCode.MessageTooBig,
  CloseCode.MandatoryExtension,
];

/** HTTP answers that may be another one next time. */
const PASSING = [408, 425, 429, 500, 502, 503, 504];

/**
 * Opens a connection, and another one each time that it is lost. Leaving the loop closes it.
 *
 * Ends when the connection was closed for good: with 1000, with a code that says that we did something
 * wrong, with one of the application (4000 to 4999), or with 1013 when there is no `again`.
 *
 * @throws {Error} The last failure, when another attempt makes no sense.
 */
export async function* connections<T = undefined>(
  url: string | URL,
  options: ConnectOptions<T> = {},
  { first = 500, longest = 30_000, attempts = 10, again, signal, ...rest }: Backoff = {},
): AsyncGenerator<Connection<T>, void> {
  const [least, most] = rest.restart ?? [5000, 30_000];
  let failures = 0;
  while (!signal?.aborted) {
    // "Full jitter": anything up to a bound that doubles, so that clients which lost their server at
    // the same moment do not come back at the same moment.
    let wait = Math.random() * Math.min(longest, first * 2 ** failures);
    let failure: unknown;
    try {
      const conn = await connect(url, { ...options, ...(signal && { signal }) });
      const opened = performance.now();
      const leave = (): void => conn.close();
      signal?.addEventListener("abort", leave);
      let info: CloseInfo;
      try {
        yield conn;
        info = await conn.closed;
      } finally {
        signal?.removeEventListener("abort", leave);
        leave();
      }
      const { code, reason, error } = info;
      if (FINAL.includes(code) || code >= 4000) return;
      failure = error ?? new Error(`The connection was closed with ${code} ${reason}`);
      // A connection that held for a while makes up for what failed before it.
      if (performance.now() - opened > longest) failures = 0;
      // IANA's registry of close codes: after a restart, come back in a random 5 to 30 seconds; to a
      // server that is overloaded, "upon user action".
      if (code === CloseCode.ServiceRestart) wait = least + Math.random() * (most - least);
      if (code === CloseCode.TryAgainLater) {
        if (again === undefined) return;
        await again();
        wait = 0;
      }
    } catch (error) {
      if (signal?.aborted) return;
      if (!mayPass(error)) throw error;
      failure = error;
      wait = Math.max(wait, retryAfter(error));
    }
    if (++failures >= attempts) throw failure;
    await sleep(wait, undefined, { signal }).catch(() => {});
  }
}

/** Whether another attempt may go better. */
function mayPass(error: unknown): boolean {
  if (error instanceof HandshakeError) return PASSING.includes(error.status ?? 0);
  // What is no WebSocketError is a mistake of ours, or the signal.
  return error instanceof WebSocketError;
}

/** RFC 9110 10.2.3: how long the server asks us to stay away, in milliseconds. */
function retryAfter(error: unknown): number {
  const value = error instanceof HandshakeError ? error.headers?.get("retry-after") : undefined;
  return /^\d{1,5}$/.test(value ?? "") ? Number(value) * 1000 : 0;
}
