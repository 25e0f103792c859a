// Opens a connection of the library over a stream whose opening handshake was done here.

import type { Duplex } from "node:stream";
import type { WebSocketError } from "../errors.ts";
import type { DeflateAgreement } from "../handshake/deflate_offer.ts";
import { Driver } from "../connection/driver.ts";
import type { Connection, HandshakeInfo } from "../connection/connection.ts";
import type { ConnectionRules } from "../connection/connection_options.ts";
import type { Handlers } from "../connection/handlers.ts";
import { type NodeSocket, NodeTransport } from "../transport/node_transport.ts";
import { logError } from "../shared/log_error.ts";
import type { MaskSource } from "../wire/frame_writer.ts";

/** The parameters of a new connection. */
export interface LinkOptions<T> {
  /** The stream. */
  readonly socket: Duplex;
  /** The checked options. */
  readonly rules: ConnectionRules;
  /** The handlers, shared by many connections. */
  readonly handlers: Handlers<T>;
  /** Called when a connection fails, before it ends. Must not throw. */
  readonly failing: (connection: Connection<T>, error: WebSocketError) => void;
  /** The source of mask keys, on the client's side. */
  readonly masks: MaskSource | undefined;
  /** The negotiated compression, if any. */
  readonly agreement: DeflateAgreement | undefined;
  /** The data of the connection, for its handlers. */
  readonly data: T;
}

const NO_FIELDS: HandshakeInfo["headers"] = {
  get: () => null,
  has: () => false,
  [Symbol.iterator]: () => [][Symbol.iterator](),
};

/** The handshake's fields are those of `node:http`, which the user has. */
const HANDSHAKE: HandshakeInfo = {
  url: "",
  status: 101,
  headers: NO_FIELDS,
  protocol: "",
  extensions: "",
};

/** The connection, as the WebSocket drives it. */
export type Link<T> = Driver<T>;

/** Opens it. Nothing is delivered before the next turn of the event loop. */
export function openLink<T>(options: LinkOptions<T>): Link<T> {
  const { socket, rules, handlers, failing, masks, agreement, data } = options;
  const context = {
    connectionRules: rules,
    handlers,
    masks,
    reportError: logError,
    connectionFailing: failing,
  };
  const transport = new NodeTransport(socket as unknown as NodeSocket);
  const driver = new Driver<T>(context, transport, HANDSHAKE, data, undefined, agreement);
  driver.start({ rest: [], ended: false });
  return driver;
}
