// The options of both constructors: the standard members, and those of `connect`.

import { type ConnectOptions, connectRules } from "../client/connect_options.ts";
import { encodeKey } from "../handshake/accept_key.ts";
import { buildRequest } from "../handshake/request.ts";
import { headerLines, show } from "../shared/check.ts";
import type { AddressSpace } from "./web_network.ts";
import { dictionary, isIterable, type Members, stringSequence } from "./webidl.ts";

/**
 * The options of `connect` also accepted by a `WebSocket`: `headers`, `tls`, `proxy`, `signal`,
 * `compression` and the limits. They are extensions to the standard.
 *
 * Compression is offered unless `compression` is `false`. `signal` only cancels the opening
 * handshake.
 *
 * @category WHATWG WebSocket
 */
export interface ConnectionSettings extends
  Omit<
    ConnectOptions,
    | "open"
    | "message"
    | "ping"
    | "pong"
    | "drain"
    | "close"
    | "subprotocols"
    | "text"
    | "binaryType"
    | "utf8Check"
    | "data"
    | "reconnect"
    | "onError"
  > {
  /**
   * Called with the cause when the connection fails, because the `error` event must not reveal it:
   * a `HandshakeError`, `ConnectionError` or another error of `connect`. Default: none.
   */
  onError?: ((error: unknown) => unknown) | undefined;
  /**
   * The required address space of the server (Local Network Access draft); other addresses fail the
   * connection. `"local"` means the private ranges. Default: any.
   */
  targetAddressSpace?: AddressSpace;
}

/**
 * The options of the `WebSocket` constructor, including those of this library.
 *
 * @category WHATWG WebSocket
 */
export interface WebSocketOptions extends ConnectionSettings {
  /** The subprotocols to offer, the most preferred first. The server must choose one. Default: none. */
  protocols?: string | Iterable<string> | undefined;
}

/**
 * The options of the `WebSocketStream` constructor.
 *
 * @category WHATWG WebSocket
 */
export interface WebSocketStreamOptions extends ConnectionSettings {
  /** The subprotocols to offer, the most preferred first. The server must choose one. Default: none. */
  protocols?: Iterable<string> | undefined;
}

/** The converted arguments of a constructor. */
export interface SocketArguments {
  /** The subprotocols to offer. */
  readonly protocols: readonly string[];
  /** The required address space, if any. */
  readonly addressSpace: AddressSpace | undefined;
  /** The options of `connect`. */
  readonly connect: ConnectOptions;
}

const STANDARD_MEMBERS = ["protocols", "targetAddressSpace"];

const ADDRESS_SPACES: readonly AddressSpace[] = ["loopback", "local", "public"];

/** The replacements of unavailable options of `connect`. */
const REPLACEMENTS: Record<Exclude<keyof ConnectOptions, keyof ConnectionSettings>, string> = {
  open: "the open event",
  message: "the message event",
  ping: "connect, which has this handler",
  pong: "connect, which has this handler",
  drain: "bufferedAmount",
  close: "the close event",
  subprotocols: "protocols",
  text: "connect, which has this option",
  binaryType: "the attribute binaryType",
  utf8Check: "connect, which has this option",
  data: "a property of the object",
  reconnect: "connect, which has this option",
};

/**
 * Converts the second and the third argument of `new WebSocket`. A third argument that is not an
 * object is ignored, as the standard ignores excess arguments.
 *
 * @throws {TypeError | RangeError} When an option is unknown, of the wrong type or out of range.
 */
export function socketArguments(protocols: unknown, options: unknown): SocketArguments {
  const own = typeof options === "object" ? dictionary("The options", options) : {};
  if (isIterable(protocols)) {
    return convert(stringSequence("protocols", protocols), own);
  }
  if (protocols === undefined || protocols === null || typeof protocols === "object") {
    const bag = { ...dictionary("The options", protocols), ...own };
    const { protocols: names } = bag;
    if (names === undefined) return convert([], bag);
    return convert(isIterable(names) ? stringSequence("protocols", names) : [`${names}`], bag);
  }
  return convert([`${protocols as string}`], own);
}

/**
 * Converts the second argument of `new WebSocketStream`.
 *
 * @throws {TypeError | RangeError} When an option is unknown, of the wrong type or out of range.
 */
export function streamArguments(options: unknown): SocketArguments {
  const members = dictionary("The options of WebSocketStream", options);
  const { protocols } = members;
  return convert(protocols === undefined ? [] : stringSequence("protocols", protocols), members);
}

function convert(protocols: readonly string[], members: Members): SocketArguments {
  const connect: Record<string, unknown> = { compression: true };
  for (const [name, value] of Object.entries(members)) {
    if (STANDARD_MEMBERS.includes(name) || value === undefined) continue;
    if (Object.hasOwn(REPLACEMENTS, name)) {
      const instead = REPLACEMENTS[name as keyof typeof REPLACEMENTS];
      throw new TypeError(`Option "${name}" is not available here: use ${instead}`);
    }
    connect[name] = value;
  }
  connectRules(connect);
  checkHeaders(connect);
  return { protocols, addressSpace: addressSpace(members.targetAddressSpace), connect };
}

/** `connect` would only detect wrong header fields when writing the request. */
function checkHeaders({ headers }: ConnectOptions): void {
  if (headers === undefined || typeof headers === "function") return;
  const key = encodeKey(new Uint8Array(16));
  buildRequest({ host: "a.example", target: "/", key, headers: headerLines(headers) });
}

function addressSpace(value: unknown): AddressSpace | undefined {
  if (value === undefined) return undefined;
  const found = ADDRESS_SPACES.find((space) => space === `${value as string}`);
  if (found !== undefined) return found;
  const words = ADDRESS_SPACES.map((word) => `"${word}"`).join(", ");
  throw new TypeError(`Option "targetAddressSpace" must be one of ${words}, got ${show(value)}`);
}
