// WebSockets on an existing HTTP server, as in Express, Fastify, Koa or Hono on Node.

import { Relay } from "../backplane/relay.ts";
import { compressionFor } from "../connection/compression.ts";
import type { Connection } from "../connection/connection.ts";
import { checkHandlers, HANDLER_NAMES } from "../connection/handlers.ts";
import { requestFrom, type RequestHead } from "../handshake/server.ts";
import { checkNames } from "../shared/check.ts";
import { ConnectionGroup } from "./connection_group.ts";
import { StreamServer } from "./stream_server.ts";
import {
  LISTENING_OPTIONS,
  type ServeOptions,
  serveRules,
  type UpgradeOptions,
} from "./serve_options.ts";
import type { ForwardedRequest, UpgradeCallOptions, UpgradeSocket } from "./upgrade_hook.ts";

/**
 * The part of a `node:http` request needed for an upgrade.
 *
 * @category Server
 */
export interface NodeUpgradeRequest {
  /** The method. */
  readonly method?: string | undefined;
  /** The request target. */
  readonly url?: string | undefined;
  /** The version: `1.1`. */
  readonly httpVersion: string;
  /** Alternating names and values of the header fields. */
  readonly rawHeaders: readonly string[];
}

const OTHER_SERVER = "it is an option of the HTTP server";

/**
 * The socket of an `upgrade` event of `node:http` or `node:https`.
 *
 * @category Server
 */
export interface NodeUpgradeSocket {
  /** Cuts the socket. */
  destroy(): unknown;
}

/** Shares sockets of one HTTP implementation between its listeners. */
export interface SocketSharing {
  /**
   * Returns the socket of an `upgrade` event for one listener.
   *
   * @param isExclusive Whether only the caller may answer: `upgrader.upgrade`.
   * @throws {TypeError} When the socket is exclusive but already taken or handed over.
   */
  share(socket: NodeUpgradeSocket, isExclusive: boolean): UpgradeSocket;
}

/**
 * Upgrades requests of another HTTP server with one validated set of options. Its connections form
 * a group, like those of a server. Created by `createUpgrader` and `attach`.
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
 *
 * @category Server
 */
export class Upgrader<T = undefined> extends ConnectionGroup<T> {
  readonly #core: StreamServer<T>;
  readonly #sharing: SocketSharing;

  /** @internal Created by `createUpgrader` and `attach`. */
  constructor(options: UpgradeOptions<T>, sharing: SocketSharing) {
    for (const name of LISTENING_OPTIONS) {
      if ((options as ServeOptions<T>)?.[name] !== undefined) {
        throw new TypeError(`Option "${name}" cannot be given here: ${OTHER_SERVER}`);
      }
    }
    const core = new StreamServer(serveRules(options), { compressionFor, Relay });
    super(core);
    this.#core = core;
    this.#sharing = sharing;
    core.begin();
  }

  /**
   * Takes over the socket of an upgrade request: checks the request, calls the `upgrade` hook and
   * responds.
   *
   * @param request The request, from the `upgrade` event of `node:http`.
   * @param socket Its socket, which must no longer be used elsewhere.
   * @param head The bytes after the request.
   * @param options Values for the connection, available in its `open` handler.
   * @returns The connection, or `undefined` when the request was rejected, the hook returned
   * `"pass"`, or the client has disconnected.
   * @throws {TypeError} When the socket was already upgraded, or an option is unknown or has
   *   another type.
   *
   * @example
   * ```ts
   * import { createServer } from "node:http";
   * import { createUpgrader } from "@quickws/quickws/node";
   *
   * const chat = createUpgrader<{ user: string }>({
   *   upgrade: () => ({ data: { user: "guest" } }),
   *   open: (conn) => console.log(conn.data.user), // ada
   * });
   * const httpServer = createServer();
   * httpServer.on("upgrade", (request, socket, head) => {
   *   chat.upgrade(request, socket, head, { data: { user: "ada" } });
   * });
   * ```
   */
  upgrade(
    request: NodeUpgradeRequest,
    socket: NodeUpgradeSocket,
    head: Uint8Array,
    options: UpgradeCallOptions<T> = {},
  ): Promise<Connection<T> | undefined> {
    checkNames("The options of upgrade", options, ["data", "handlers"]);
    if (options.handlers !== undefined) {
      checkNames('Option "handlers"', options.handlers, HANDLER_NAMES);
      checkHandlers(options.handlers);
    }
    const shared = this.#sharing.share(socket, true);
    return new Promise((done) =>
      this.#begin(request, shared, head, { callOptions: options, done })
    );
  }

  /**
   * @internal Takes over a socket shared with other listeners of the HTTP server.
   *
   * @param passed Called when the request is left to other listeners.
   */
  upgradeShared(
    request: NodeUpgradeRequest,
    socket: UpgradeSocket,
    head: Uint8Array,
    passed: () => void,
  ): void {
    this.#begin(request, socket, head, { passed });
  }

  /** @internal Whether the head of an upgrade request matches these options. */
  wants({ url = "", rawHeaders }: NodeUpgradeRequest): boolean {
    const { path } = this.#core.rules;
    const query = url.indexOf("?");
    if (path !== undefined && !path.includes(query === -1 ? url : url.slice(0, query))) {
      return false;
    }
    // `Upgrade: h2c` and others do not request a WebSocket.
    return rawHeaders.some((name, i) =>
      i % 2 === 0 && name.toLowerCase() === "upgrade" &&
      rawHeaders[i + 1].toLowerCase().includes("websocket")
    );
  }

  /** @internal Responds with 404 to a request that no listener accepts. */
  rejectUnwanted(request: NodeUpgradeRequest, socket: UpgradeSocket, head: Uint8Array): void {
    this.#begin(request, socket, head, { isNotFound: true });
  }

  #begin(
    request: NodeUpgradeRequest,
    socket: UpgradeSocket,
    head: Uint8Array,
    rest: Pick<ForwardedRequest<T>, "callOptions" | "isNotFound" | "done" | "passed">,
  ): void {
    const { method = "", url = "", httpVersion, rawHeaders } = request;
    const version = `HTTP/${httpVersion}`;
    const after = new Uint8Array(head);
    const readHead = (): RequestHead =>
      requestFrom({ method, target: url, version, rawHeaders, rest: after });
    this.#core.upgrade({ ...rest, socket, readHead, raw: request });
  }
}
