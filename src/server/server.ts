// A running server: where it listens.

import type { Listener } from "../transport/transport.ts";
import { ConnectionGroup } from "./connection_group.ts";
import type { ServerCore } from "./server_core.ts";

/**
 * A running WebSocket server.
 *
 * @example
 * ```ts
 * import { serve } from "@quickws/quickws";
 *
 * await using server = await serve({ port: 0, message: (conn, data) => conn.send(data) });
 * console.log(`listening on ${server.url}`);
 * ```
 */
export class Server<T = undefined> extends ConnectionGroup<T> {
  /** The address it is bound to; empty on a unix socket. */
  readonly hostname: string;
  /** The port it is bound to; 0 on a unix socket. */
  readonly port: number;
  /** Where clients connect to: `ws://127.0.0.1:8080/`, or `ws+unix:/run/chat.sock:/`. */
  readonly url: string;

  /** @internal Servers come from `serve`. */
  constructor(core: ServerCore<T>, listener: Listener) {
    super(core);
    this.hostname = listener.hostname;
    this.port = listener.port;
    const { unix, tls } = core.rules.options;
    const scheme = tls === undefined ? "ws" : "wss";
    this.url = unix === undefined
      ? `${scheme}://${urlHost(listener.hostname)}:${this.port}/`
      : `${scheme}+unix:${urlPath(unix)}:/`;
  }
}

/** An address as it stands in a URL, where IPv6 goes into brackets and "any" means this machine. */
function urlHost(hostname: string): string {
  if (hostname === "0.0.0.0") return "127.0.0.1";
  if (hostname === "::") return "[::1]";
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}

/** The path of a unix socket as it stands in a URL, where a colon ends it. */
function urlPath(path: string): string {
  return encodeURI(path).replace(/[:?#]/g, encodeURIComponent);
}
