// The handlers of a connection, and the report that `onLimit` receives.

import type { CloseInfo } from "../session/end.ts";
import type { MessageOpcode } from "../wire/opcode.ts";
import { checkType } from "../shared/check.ts";
import type { Connection } from "./connection.ts";
import type { AnyMessage, Message } from "./connection_driver.ts";

/**
 * A function called with these arguments; its result is ignored. Parameters are compared
 * bivariantly, like those of methods.
 *
 * @category Connection
 */
export type Handler<Arguments extends unknown[]> = { call(...args: Arguments): void }["call"];

/**
 * The handlers of a connection, all optional, called one at a time.
 *
 * A handler may return a promise, which is not awaited. If a handler throws, or its promise
 * rejects, its connection is closed with 1011; the error is in {@linkcode CloseInfo.error} and is
 * passed to `onError`. Other connections are not affected.
 *
 * A `Uint8Array` passed to a handler belongs to the user: the library never writes to its memory
 * again. It may be a view of a larger buffer: `slice()` it to keep a small message for long, or to
 * transfer any message to a worker. With `binaryType: "arraybuffer"` each binary message has its
 * own buffer.
 *
 * @category Connection
 */
export interface Handlers<T = unknown, M extends AnyMessage = Message> {
  /** The opening handshake is complete. Called before all other handlers. */
  open?: Handler<[connection: Connection<T, M>]> | undefined;
  /**
   * One whole message arrived; `opcode` distinguishes text and binary.
   *
   * Without this handler, messages are queued for a reader (iteration or `readable`): up to 64 KiB
   * or 256 messages, then backpressure stops the peer. Without a reader within `unreadTimeout`,
   * messages are discarded.
   */
  message?: Handler<[connection: Connection<T, M>, data: M, opcode: MessageOpcode]> | undefined;
  /** A ping arrived, already answered unless `autoPong` is `false`. At most 125 bytes. */
  ping?: Handler<[connection: Connection<T, M>, payload: Uint8Array]> | undefined;
  /** A pong arrived, solicited or not. At most 125 bytes. */
  pong?: Handler<[connection: Connection<T, M>, payload: Uint8Array]> | undefined;
  /** Buffered output has fallen to `highWaterMark` or below after `send` returned `false`. */
  drain?: Handler<[connection: Connection<T, M>]> | undefined;
  /** The connection has ended. Called exactly once per opened connection, and last. */
  close?: Handler<[connection: Connection<T, M>, info: CloseInfo]> | undefined;
}

/**
 * A limit that was reached: the argument of `onLimit`.
 *
 * @category Connection
 */
export interface LimitReport<C = Connection<unknown>> {
  /**
   * The option that sets the limit. The first two apply to servers, the last to reconnecting
   * clients.
   */
  readonly limit:
    | "maxConnections"
    | "maxConnectionsPerAddress"
    | "unreadTimeout"
    | "memoryLimit"
    | "rateLimit"
    | "reconnect.maxQueue";
  /** The value of the option; of `rateLimit`, its `messages` or `bytes`. */
  readonly max: number;
  /**
   * The value that exceeds it: the number of connections including the new one, or the queued bytes
   * including the dropped message. For other limits it is `max`.
   */
  readonly value: number;
  /** The peer's address; empty if it has none. */
  readonly remoteAddress: string;
  /** Whether the limit was enforced; `false` with `reportOnly`, and with `onExceed: "report"`. */
  readonly enforced: boolean;
  /**
   * The connection, if the limit concerns an open one; for reconnecting clients, the reconnecting
   * connection.
   */
  readonly connection?: C;
}

/** The names of the handlers, for validation. */
export const HANDLER_NAMES = ["open", "message", "ping", "pong", "drain", "close"] as const;

/** @throws {TypeError} Unless every given handler is a function. */
export function checkHandlers<T, M extends AnyMessage>(handlers: Handlers<T, M>): void {
  for (const name of HANDLER_NAMES) checkType(name, handlers[name], "function");
}
