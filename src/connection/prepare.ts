// Encoding a message once for many connections.

import { PreparedMessage } from "../message/prepared_message.ts";
import { toBytes } from "../shared/bytes.ts";

/**
 * Encodes a message once, to be sent on many connections with `connection.sendPrepared`.
 *
 * @param data A string is sent as text, bytes (which are copied) as binary.
 * @throws {TypeError} When the data is of another type.
 *
 * @example
 * ```ts
 * import { prepareMessage, serve } from "@quickws/quickws";
 *
 * await using server = await serve({ port: 0 });
 * const tick = prepareMessage(JSON.stringify({ price: 42 }));
 * for (const conn of server.clients()) conn.sendPrepared(tick);
 * ```
 *
 * @category Connection
 */
export function prepareMessage(data: string | ArrayBuffer | ArrayBufferView): PreparedMessage {
  return new PreparedMessage(typeof data === "string" ? data : toBytes(data));
}
