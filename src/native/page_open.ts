// Opens one connection over the global WebSocket.

import { ConnectionError } from "../errors.ts";
import { after, type PageConnection, pageConnection, type PageUse } from "./page_connection.ts";
import { rare } from "./page_options.ts";
import type { PageGlobals } from "./page_refusals.ts";

/**
 * Opens one connection.
 *
 * @param url The URL; a relative one is resolved against the page's.
 */
export async function openInPage<T>(
  url: string | URL,
  use: PageUse<T>,
): Promise<PageConnection<T>> {
  const { WebSocket: Socket, location } = globalThis as PageGlobals;
  let href = "";
  try {
    const target = new URL(url, location?.href);
    target.hash = "";
    href = target.href.replace(/^http/, "ws");
  } catch {
    // The error below has the reason.
  }
  if (Socket === undefined || !/^wss?:/.test(href)) throw (await rare()).unconnectable(url);
  // Its user and password are for the server only.
  const shown = href.replace(/\/\/[^/]*@/, "//");
  return new Promise((resolve, reject) => {
    const { handshakeTimeout, subprotocols } = use.rules;
    const { signal } = use.handlers;
    signal?.throwIfAborted();
    const socket = new Socket(href, [...subprotocols]);
    socket.binaryType = "arraybuffer";
    let why = "";
    const stopTimer = handshakeTimeout
      ? after(use.rules, "handshakeTimeout", "HANDSHAKE_TIMEOUT", (error) => fail(error))
      : undefined;
    const abort = (): void => fail(signal?.reason);
    const settle = (): void => {
      stopTimer?.();
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
      () => fail(new ConnectionError("CONNECT_FAILED", `Cannot connect to ${shown}${why}`)),
    );
    socket.addEventListener("open", () => {
      settle();
      // It was given up before.
      if (socket.readyState !== 1) return;
      const opened = pageConnection(socket, shown, use);
      resolve(opened);
      opened.opened();
    });
  });
}
