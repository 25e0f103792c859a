// WebSockets on an HTTP server that exists already: Express, Fastify, Koa, Hono on Node all have one.

import { requestFrom } from "../handshake/request_head.ts";
import type { Transport } from "../transport/transport.ts";
import type { Connection } from "./connection.ts";
import { ConnectionGroup } from "./connection_group.ts";
import { ServerCore } from "./server_core.ts";
import { type ServeOptions, serveRules } from "./serve_options.ts";

/** The options of `serve` that make sense where another server listens and answers plain HTTP. */
export type UpgradeOptions<T = undefined> = Omit<
  ServeOptions<T>,
  | "hostname"
  | "port"
  | "path"
  | "reusePort"
  | "backlog"
  | "tls"
  | "fetch"
  | "maxHandshakeSize"
  | "noDelay"
  | "readBufferSize"
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
  "path",
  "reusePort",
  "backlog",
  "tls",
  "fetch",
  "maxHandshakeSize",
  "noDelay",
  "readBufferSize",
] as const;

/** Lets connections in from the upgrade requests of another server; see `createUpgrader`. */
export class UpgraderBase<T> extends ConnectionGroup<T> {
  readonly #core: ServerCore<T>;

  /** @internal */
  constructor(options: UpgradeOptions<T>) {
    for (const name of FOREIGN_OPTIONS) {
      if ((options as ServeOptions<T>)?.[name] !== undefined) {
        throw new TypeError(`Option "${name}" cannot be given here: ${OTHER_SERVER}`);
      }
    }
    const core = new ServerCore(serveRules(options));
    super(core);
    this.#core = core;
    core.heedSignal();
  }

  /** @internal Takes over a transport whose request the other server has read. */
  protected take(
    transport: Transport,
    secure: boolean,
    request: NodeUpgradeRequest,
    rest: Uint8Array,
  ): Promise<Connection<T> | undefined> {
    const { method = "", url = "", httpVersion, rawHeaders } = request;
    return this.#core.upgrade(
      transport,
      secure,
      () => requestFrom({ method, target: url, version: `HTTP/${httpVersion}`, rawHeaders, rest }),
    );
  }
}
