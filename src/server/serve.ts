// Starts a server over whichever runtime's sockets it is given.

import type { Network } from "../transport/transport.ts";
import { Server } from "./server.ts";
import { ServerCore } from "./server_core.ts";
import { type ServeOptions, serveRules } from "./serve_options.ts";

/**
 * Starts a WebSocket server over `network`.
 *
 * @throws {TypeError | RangeError} When an option is wrong; the promise rejects with it.
 */
export async function serveOver<T>(network: Network, options: ServeOptions<T>): Promise<Server<T>> {
  const rules = serveRules(options);
  options.signal?.throwIfAborted();
  const core = new ServerCore(rules);
  const { unix: path, reusePort, backlog, tls, noDelay = true, readBufferSize, denoSockets } =
    options;
  const { hostname = "127.0.0.1", port = 0 } = options;
  const listener = await network.listen(
    { hostname, port, path, reusePort, backlog, tls, noDelay, readBufferSize, denoSockets },
    core,
  );
  core.listening(listener);
  return new Server(core, listener);
}
