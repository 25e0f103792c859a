// WebSockets of Deno.serve.

import { isCloseCode } from "../wire/close.ts";
import { MAX_INT32 } from "../connection/connection_options.ts";
import { checkInteger, show } from "../shared/check.ts";
import { type NativeLimits, NO_PINGS, WHOLE_MESSAGES } from "./native_options.ts";
import type { NativeEngine } from "./engine.ts";
import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";
import { type NativeOpening, NativeSockets, type SocketsOptions } from "./sockets.ts";
import { listen, webSocketEngine, type WebSocketLike } from "./web_socket.ts";

/**
 * The part of `Deno.ServeHandlerInfo` used here.
 *
 * @category Server
 */
export interface DenoRequestInfo {
  /** The client's address. */
  readonly remoteAddr: { readonly hostname?: string; readonly port?: number };
}

const NAME = "Deno.serve";

/** Deno closes connections on a larger message. */
const MAX_MESSAGE = 64 << 20;

const LIMITS: NativeLimits = {
  name: NAME,
  maxMessageSize: MAX_MESSAGE,
  refused: {
    ...WHOLE_MESSAGES,
    ...NO_PINGS,
    pongTimeout: "it waits for the pong for pingInterval",
    compression: "Deno.upgradeWebSocket has none",
    writeTimeout:
      "it reports only when a whole message has been sent, so a large one looks stalled",
  },
};

/** Milliseconds until an upgraded request that has not opened counts as failed. */
const OPEN_TIMEOUT = 5000;

/** All but `pingInterval`, which maps to Deno's `idleTimeout`. */
const { pingInterval: _, ...REFUSED } = LIMITS.refused;

const common = webSocketEngine(NAME, isCloseCode);

/** Deno loses the Close frame of a close during an event if another frame has arrived since. */
const engine: NativeEngine<WebSocketLike> = {
  ...common,
  close(socket, code, reason, failed): void {
    setTimeout(() => {
      try {
        socket.close(code, reason);
      } catch (cause) {
        failed(cause);
      }
    }, 0);
  },
  terminate(socket): void {
    setTimeout(() => {
      try {
        common.terminate(socket);
      } catch {
        // The connection has already ended for the user, with a known error.
      }
    }, 0);
  },
};

/**
 * WebSockets on the port of a `Deno.serve`, from `createSockets`.
 *
 * @example
 * ```ts
 * import { connect, createSockets } from "@quickws/quickws/deno";
 *
 * const sockets = createSockets({ path: "/ws", message: (conn, data) => conn.send(data) });
 * await using server = Deno.serve({ port: 0, onListen: () => {} }, (request, info) =>
 *   sockets.handle(request, info) ?? new Response("plain HTTP"));
 * await using conn = await connect(`ws://127.0.0.1:${server.addr.port}/ws`);
 * conn.send("hello");
 * for await (const data of conn) {
 *   console.log(data); // hello
 *   break;
 * }
 * ```
 *
 * @category Server
 */
export class DenoServeSockets<T = undefined> extends NativeSockets<T, WebSocketLike> {
  /** Seconds of silence after which Deno sends a ping, and after as many again drops the peer. */
  readonly #idleTimeout: number;

  /** @internal Created by `createSockets`. */
  constructor(options: SocketsOptions<T>) {
    const { pingInterval, ...others } = options ?? {};
    checkInteger("pingInterval", pingInterval, 0, MAX_INT32, "milliseconds");
    super(others as SocketsOptions<T>, engine, { ...LIMITS, refused: REFUSED });
    this.#idleTimeout = Math.ceil((pingInterval ?? 0) / 1000);
  }

  /**
   * Handles an upgrade request.
   *
   * @param request The request, the first argument of the handler of `Deno.serve`.
   * @param info The second argument of that handler.
   * @returns `undefined` if this is not an upgrade request for one of the paths. Otherwise a
   * promise of the response: 101, or a rejection.
   * @throws {TypeError} When not running on Deno, or the second argument is wrong.
   */
  handle(request: Request, info: DenoRequestInfo): Promise<Response> | undefined {
    if (!this.isOwn(request)) return undefined;
    if (
      !("Deno" in globalThis) || typeof info !== "object" || info === null ||
      !("remoteAddr" in info)
    ) {
      throw wrongInfo(info);
    }
    const { hostname = "", port = 0 } = info.remoteAddr;
    // Deno reports a client that disconnects during the hook only through `request.signal`, and
    // prints a warning in every program that reads it.
    return this.take<Response>(
      request,
      { remoteAddress: hostname, remotePort: port },
      (upgrade) => {
        const { opening, subprotocol } = upgrade;
        const { socket, response } = Deno.upgradeWebSocket(request, {
          idleTimeout: this.#idleTimeout,
          ...(subprotocol === "" ? {} : { protocol: subprotocol }),
        });
        for (const [name, value] of upgrade.headers) response.headers.append(name, value);
        socket.binaryType = "arraybuffer";
        new SocketOpening(socket, opening);
        return response;
      },
    );
  }
}

/**
 * A WebSocket that is not open yet. A class, because closures in `handle` would keep the request in
 * memory, with its signal and the stack trace of the signal's reason.
 */
class SocketOpening<T> implements TimerTarget {
  readonly #socket: WebSocket;
  readonly #opening: NativeOpening<T, WebSocketLike>;
  readonly #timer: Timer;

  constructor(socket: WebSocket, opening: NativeOpening<T, WebSocketLike>) {
    this.#socket = socket;
    this.#opening = opening;
    socket.addEventListener("open", this);
    socket.addEventListener("close", this);
    // Deno does not report a client that disconnects first.
    this.#timer = timers.start(OPEN_TIMEOUT, this, 0);
  }

  /** The connection is open, or failed to open. */
  handleEvent({ type }: Event): void {
    const socket = this.#socket;
    timers.cancel(this.#timer);
    socket.removeEventListener("open", this);
    socket.removeEventListener("close", this);
    if (type === "close") return this.#opening.abandoned();
    const like = socket as unknown as WebSocketLike;
    this.#opening.opened(like, (driver) => listen(like, driver, true));
  }

  /** The connection did not open in time. */
  timerFired(): void {
    this.#opening.abandoned();
  }
}

function wrongInfo(info: unknown): TypeError {
  const isBun = typeof info === "object" && info !== null && "upgrade" in info;
  const entry = isBun
    ? 'that is the server of Bun.serve: use createSockets from "@quickws/quickws/bun"'
    : "pass on the second argument of the handler; on Bun use createSockets from " +
      '"@quickws/quickws/bun", on Workers from "@quickws/quickws/workers", and on Node attach from ' +
      '"@quickws/quickws/node"';
  return new TypeError(`handle needs the information of Deno.serve, got ${show(info)}: ${entry}`);
}
