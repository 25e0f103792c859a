// Starts a server over whichever runtime's sockets it is given.

import { ConnectionError } from "../errors.ts";
import { explainListen } from "../shared/explain.ts";
import type { Listener, ListenerSink, ListenOptions, Network } from "../transport/transport.ts";
import { Server } from "./server.ts";
import { ServerCore } from "./server_core.ts";
import { type ServeOptions, serveRules } from "./serve_options.ts";

/**
 * Starts a WebSocket server over `network`.
 *
 * @throws {TypeError | RangeError} When an option is wrong; the promise rejects with it.
 * @throws {ConnectionError} `LISTEN_FAILED` when the address cannot be bound.
 */
export async function serveOver<T>(network: Network, options: ServeOptions<T>): Promise<Server<T>> {
  const rules = serveRules(options);
  options.signal?.throwIfAborted();
  const core = new ServerCore(rules);
  const { unix, reusePort, backlog, tls, noDelay = true, readBufferSize, denoSockets } = options;
  const { hostname = "127.0.0.1", port = 0 } = options;
  const listener = await listen(
    network,
    { hostname, port, unix, reusePort, backlog, tls, noDelay, readBufferSize, denoSockets },
    core,
  );
  core.listening(listener);
  return new Server(core, listener);
}

async function listen(
  network: Network,
  options: ListenOptions,
  sink: ListenerSink,
): Promise<Listener> {
  try {
    return await network.listen(options, sink);
  } catch (cause) {
    // An option that this runtime cannot honor, or a certificate that cannot be read.
    if (cause instanceof TypeError || cause instanceof RangeError) throw cause;
    const { hostname, port, unix } = options;
    const address = unix ??
      (hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`);
    throw new ConnectionError(
      "LISTEN_FAILED",
      `Cannot listen on ${address}: ${explainListen(cause)}`,
      { cause },
    );
  }
}
