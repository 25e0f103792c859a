// Opens one connection over the global WebSocket.

import { ConnectionError, TimeoutError } from "../errors.ts";
import { AFTER_STALL, PageConnection, type PageUse } from "./page_connection.ts";
import type { PageRules } from "./page_options.ts";
import type { WebSocketLike } from "./web_socket.ts";

/** The part of the globals that is used here. */
interface PageGlobals {
  WebSocket?: new (url: string, protocols: string[]) => WebSocketLike;
  location?: { href: string };
}

/**
 * The URL to connect to; a relative one is resolved against the page's.
 *
 * @throws {TypeError} When it is no URL of a WebSocket.
 */
export function targetOf(url: string | URL): string {
  let target: URL;
  try {
    target = new URL(url, (globalThis as PageGlobals).location?.href);
  } catch (cause) {
    throw new TypeError(`Cannot connect: "${url}" is no URL`, { cause });
  }
  target.protocol = target.protocol.replace(/^http/, "ws");
  if (!/^wss?:$/.test(target.protocol)) {
    throw new TypeError(`Cannot connect: the URL must be ws: or wss:, got "${url}"`);
  }
  target.hash = "";
  return target.href;
}

/** Opens one connection. */
export function openInPage<T>(
  url: string,
  use: PageUse<T>,
  data: T,
  signal: AbortSignal | undefined,
): Promise<PageConnection<T>> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const Socket = (globalThis as PageGlobals).WebSocket;
    if (Socket === undefined) {
      throw new TypeError(
        'Cannot connect: no global WebSocket; on Node import "@quickws/quickws/node"',
      );
    }
    const { handshakeTimeout, subprotocols }: PageRules = use.rules;
    const socket = new Socket(url, [...subprotocols]);
    socket.binaryType = "arraybuffer";
    let why = "";
    const late = (): void => {
      const message = `Not open within ${handshakeTimeout} ms (option handshakeTimeout)`;
      fail(new TimeoutError("HANDSHAKE_TIMEOUT", message));
    };
    let timer: ReturnType<typeof setTimeout> | undefined = handshakeTimeout === 0
      ? undefined
      : setTimeout(() => {
        timer = setTimeout(late, AFTER_STALL);
      }, handshakeTimeout);
    const abort = (): void => fail(signal?.reason);
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
    // After the connection has opened, neither the rejection nor the close has an effect.
    const fail = (error: unknown): void => {
      settle();
      reject(error);
      socket.close();
    };
    signal?.addEventListener("abort", abort, { once: true });
    socket.addEventListener("error", ({ message }) => why = message ? `: ${message}` : "");
    socket.addEventListener(
      "close",
      () => fail(new ConnectionError("CONNECT_FAILED", `Cannot connect to ${url}${why}`)),
    );
    socket.addEventListener("open", () => {
      settle();
      // It was given up before.
      if (socket.readyState !== 1) return;
      const opened = new PageConnection(socket, url, use, data);
      resolve(opened);
      opened.opened();
    });
  });
}
