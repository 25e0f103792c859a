// What a user can listen to on a connection.

import type { CloseInfo } from "../session/close_info.ts";
import type { MessageOpcode } from "../wire/opcode.ts";
import { checkType } from "../shared/check.ts";
import type { Connection } from "./connection.ts";
import type { Message } from "./connection_link.ts";

/**
 * The handlers of a connection, all optional, called one after another and never two at a time.
 *
 * A handler may return a promise; it is not waited for. One that throws, or whose promise rejects,
 * closes its connection with 1011 and is found in {@linkcode CloseInfo.error}; nothing else is
 * disturbed.
 *
 * A `Uint8Array` given to a handler is the user's: the library never writes to that memory again. It
 * may be a view of a larger buffer, so `slice()` a small one that is kept for long.
 */
export interface Handlers<T = unknown> {
  /** The opening handshake is done; nothing was delivered before. */
  open?(connection: Connection<T>): unknown;
  /**
   * One whole message came; `opcode` tells text from binary.
   *
   * Without this handler messages wait for a reader (iteration or `readable`), and the peer for them:
   * behind 64 KiB of unread messages not even its Close frame is seen. Where a peer is to send
   * nothing, give a handler that ignores or closes.
   */
  message?(connection: Connection<T>, data: Message, opcode: MessageOpcode): unknown;
  /** A ping came; its pong is sent already, unless `autoPong` is `false`. At most 125 bytes. */
  ping?(connection: Connection<T>, payload: Uint8Array): unknown;
  /** A pong came, asked for or not. At most 125 bytes. */
  pong?(connection: Connection<T>, payload: Uint8Array): unknown;
  /** What waits to be sent fell back to `highWaterMark` or below, after a `send` returned `false`. */
  drain?(connection: Connection<T>): unknown;
  /** The connection is over. Exactly once per opened connection, and last. */
  close?(connection: Connection<T>, info: CloseInfo): unknown;
}

/** The names of the handlers, for the check of options. */
export const HANDLER_NAMES = ["open", "message", "ping", "pong", "drain", "close"] as const;

/** @throws {TypeError} Unless every handler that is there is a function. */
export function checkHandlers<T>(handlers: Handlers<T>): void {
  for (const name of HANDLER_NAMES) checkType(name, handlers[name], "function");
}
