/**
 * WebSockets for Deno, Bun and Node: a server and a client, complete (RFC 6455) and fast.
 *
 * This entry detects the runtime and loads only its sockets. `./deno`, `./bun` and `./node` are the
 * same without the detection, and `./core` has the pure protocol: bytes in and bytes out.
 *
 * @example An echo server and a client
 * ```ts
 * import { connect, serve } from "@quickws/quickws";
 *
 * await using server = await serve({
 *   port: 0,
 *   message(conn, data) {
 *     conn.send(data);
 *   },
 * });
 *
 * const conn = await connect(server.url);
 * conn.send("hello");
 * for await (const data of conn) {
 *   console.log(data); // hello
 *   conn.close();
 * }
 * ```
 *
 * @module
 */

import { type Connect, connectOn, type Serve, serveOn } from "./src/entry.ts";
import { runtimeNetwork } from "./src/transport/runtime.ts";

export * from "./src/public.ts";

/**
 * Starts a WebSocket server; see {@linkcode Serve}.
 *
 * @category Server
 */
export const serve: Serve = serveOn(runtimeNetwork);

/**
 * Opens a connection to a WebSocket server; see {@linkcode Connect}.
 *
 * @category Client
 */
export const connect: Connect = connectOn(runtimeNetwork);
