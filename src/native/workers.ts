// WebSockets of Workers: workerd, and other runtimes with `WebSocketPair`.

import { CloseCode, isCloseCode } from "../wire/close.ts";
import { failureOf } from "./closing.ts";
import { type NativeLimits, NO_PINGS, WHOLE_MESSAGES } from "./native_options.ts";
import { NativeSockets, type SocketsOptions } from "./sockets.ts";
import { listen, webSocketEngine, type WebSocketLike } from "./web_socket.ts";

/** The server's end of a `WebSocketPair`. */
interface AcceptedSocket extends WebSocketLike {
  /** Accepts the socket. */
  accept(): void;
}

/** The Worker globals used here. */
interface WorkerGlobals {
  WebSocketPair?: new () => { readonly 0: WebSocketLike; readonly 1: AcceptedSocket };
}

const NAME = "Workers";

const HIDES_OUTPUT = "the runtime does not report buffered output";

/** workerd closes connections on a larger message. */
const MAX_MESSAGE = 32 << 20;

const LIMITS: NativeLimits = {
  name: NAME,
  maxMessageSize: MAX_MESSAGE,
  refused: {
    ...WHOLE_MESSAGES,
    ...NO_PINGS,
    utf8Check: "it decodes text itself, and replaces invalid UTF-8",
    compression: "the runtime decides that itself",
    highWaterMark: HIDES_OUTPUT,
    maxBufferedAmount: HIDES_OUTPUT,
    writeTimeout: HIDES_OUTPUT,
    drain: HIDES_OUTPUT,
  },
};

const engine = webSocketEngine(NAME, isCloseCode);

/**
 * WebSockets of a Worker or a Durable Object, from `createSockets`.
 *
 * The connections of one `createSockets` are those of one isolate. In a plain Worker each
 * connection belongs to its request and may only be used in its own handlers; use topics and
 * `broadcast` in a Durable Object, where connections may use each other.
 *
 * @example
 * ```ts ignore
 * import { createSockets } from "@quickws/quickws/workers";
 *
 * const sockets = createSockets({ path: "/ws", message: (conn, data) => conn.send(data) });
 * export default {
 *   fetch: (request: Request) => sockets.handle(request) ?? new Response("plain HTTP"),
 * };
 * ```
 *
 * @category Server
 */
export class WorkerSockets<T = undefined> extends NativeSockets<T, WebSocketLike> {
  /** @internal Created by `createSockets`. */
  constructor(options: SocketsOptions<T>) {
    super(options, engine, LIMITS);
  }

  /**
   * Handles an upgrade request.
   *
   * @param request The request, the argument of `fetch` of a Worker or Durable Object.
   * @returns `undefined` if this is not an upgrade request for one of the paths. Otherwise a
   * promise of the response: 101, or a rejection.
   * @throws {TypeError} When there is no `WebSocketPair`.
   */
  handle(request: Request): Promise<Response> | undefined {
    if (!this.isOwn(request)) return undefined;
    const Pair = (globalThis as WorkerGlobals).WebSocketPair;
    if (Pair === undefined) {
      throw new TypeError(
        "handle needs the WebSocketPair of Workers, which does not exist here: on Bun use createSockets from " +
          '"@quickws/quickws/bun", on Deno from "@quickws/quickws/deno", and on Node attach from ' +
          '"@quickws/quickws/node"',
      );
    }
    const remoteAddress = request.headers.get("cf-connecting-ip") ?? "";
    return this.take<Response>(request, { remoteAddress, remotePort: 0 }, (upgrade) => {
      const { opening, subprotocol } = upgrade;
      const headers = new Headers(upgrade.headers.map(([name, value]) => [name, value]));
      if (subprotocol !== "") headers.set("sec-websocket-protocol", subprotocol);
      const { 0: client, 1: server } = new Pair();
      server.accept();
      server.binaryType = "arraybuffer";
      opening.opened(server, (driver) => {
        listen(server, driver);
        // When the peer violates a rule, workerd sends the Close frame and reports an error but no
        // close.
        server.addEventListener("error", ({ message = "" }) => {
          const cause = failureOf(message.replace(/^.*protocolError\.description = /, ""));
          queueMicrotask(() => driver.ended({ code: CloseCode.Abnormal, reason: "", cause }));
        });
      });
      // `webSocket` is an extension of the runtime.
      return new Response(null, { status: 101, webSocket: client, headers } as ResponseInit);
    });
  }
}
