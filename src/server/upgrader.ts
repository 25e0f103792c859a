// WebSockets on an HTTP server that exists already: Express, Fastify, Koa, Hono on Node all have one.

import { requestFrom } from "../handshake/request_head.ts";
import type { Transport } from "../transport/transport.ts";
import type { Connection } from "../connection/connection.ts";
import { ConnectionGroup } from "./connection_group.ts";
import { ServerCore } from "./server_core.ts";
import { type ServeOptions, serveRules } from "./serve_options.ts";

/** The options of `serve` that make sense where another server listens and answers plain HTTP. */
export type UpgradeOptions<T = undefined> = Omit<
  ServeOptions<T>,
  | "hostname"
  | "port"
  | "unix"
  | "reusePort"
  | "backlog"
  | "tls"
  | "fetch"
  | "maxHandshakeSize"
  | "noDelay"
  | "readBufferSize"
  | "denoSockets"
>;

/** The part of a `node:http` request that an upgrade needs. */
export interface NodeUpgradeRequest {
  /** The method. */
  readonly method?: string | undefined;
  /** The request target. */
  readonly url?: string | undefined;
  /** The version: `1.1`. */
  readonly httpVersion: string;
  /** Names and values of the header fields in turn. */
  readonly rawHeaders: readonly string[];
}

const OTHER_SERVER = "the HTTP server that is attached to decides it";

/** Options that only a server of our own has, with the reason. */
const FOREIGN_OPTIONS = [
  "hostname",
  "port",
  "unix",
  "reusePort",
  "backlog",
  "tls",
  "fetch",
  "maxHandshakeSize",
  "noDelay",
  "readBufferSize",
  "denoSockets",
] as const;

/** The socket that an `upgrade` event of `node:http` or `node:https` hands over. */
export interface NodeUpgradeSocket {
  /** Cuts the socket. */
  destroy(): unknown;
}

/** A socket as a stream that connections can be made over. */
export interface WrappedSocket {
  /** The stream. */
  readonly transport: Transport;
  /** Whether it is TLS. */
  readonly secure: boolean;
}

/**
 * One checked set of options for many upgrades of another HTTP server; what it lets in is a group,
 * like the connections of a server. It comes from `createUpgrader` and `attach`.
 *
 * @example
 * ```ts
 * import { createServer } from "node:http";
 * import { attach, type Upgrader } from "@quickws/quickws/node";
 *
 * const sockets: Upgrader = attach(createServer(), { message: (conn, data) => conn.send(data) });
 * console.log(sockets.connections); // 0
 * await sockets.shutdown();
 * ```
 */
export class Upgrader<T = undefined> extends ConnectionGroup<T> {
  readonly #core: ServerCore<T>;
  readonly #wrap: (socket: NodeUpgradeSocket) => WrappedSocket;

  /** @internal Upgraders come from `createUpgrader` and `attach`. */
  constructor(options: UpgradeOptions<T>, wrap: (socket: NodeUpgradeSocket) => WrappedSocket) {
    for (const name of FOREIGN_OPTIONS) {
      if ((options as ServeOptions<T>)?.[name] !== undefined) {
        throw new TypeError(`Option "${name}" cannot be given here: ${OTHER_SERVER}`);
      }
    }
    const core = new ServerCore(serveRules(options));
    super(core);
    this.#core = core;
    this.#wrap = wrap;
    core.begin();
  }

  /**
   * Takes over the socket of an upgrade request: checks it, asks the `upgrade` hook, answers.
   *
   * @param request The request, from the `upgrade` event of `node:http`.
   * @param socket Its socket, which is ours from now on.
   * @param head The bytes that came behind the request.
   * @returns The connection, or `undefined` when the request was refused or lost.
   */
  upgrade(
    request: NodeUpgradeRequest,
    socket: NodeUpgradeSocket,
    head: Uint8Array,
  ): Promise<Connection<T> | undefined> {
    const { method = "", url = "", httpVersion, rawHeaders } = request;
    const version = `HTTP/${httpVersion}`;
    const rest = new Uint8Array(head);
    const { transport, secure } = this.#wrap(socket);
    return this.#core.upgrade(
      transport,
      secure,
      () => requestFrom({ method, target: url, version, rawHeaders, rest }),
    );
  }
}
