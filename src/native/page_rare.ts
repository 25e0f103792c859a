// Rarely used functions that a bundle loads on demand: option errors, and streams as messages.

import { checkNames, show } from "../shared/check.ts";
import type { WebSocketLike } from "./web_socket.ts";
import type { Message } from "../connection/connection_driver.ts";
import { toBytes } from "../shared/bytes.ts";
import type { MessageOpcode } from "../wire/opcode.ts";

/** The globals used here. */
export interface PageGlobals {
  WebSocket?: new (url: string, protocols: string[]) => WebSocketLike;
  location?: { href: string };
}

/** A kind of value; `positive` and `number` are bytes or milliseconds. */
export type Kind = "function" | "signal" | "number" | "positive";

/** The checks of values by option name: a kind, or a specific check. */
export type Checks = Readonly<Record<string, Kind | ((value: unknown) => boolean)>>;

/** The options of `connect` that the global WebSocket cannot honor, after their reason. */
const REFUSED: readonly (readonly [reason: string, ...names: string[]])[] = [
  ["sets the header fields; use a cookie, the URL or subprotocols", "headers", "origin", "host"],
  ["dials itself", "tls", "proxy", "dial", "unix", "http2", "maxHandshakeSize", "noDelay"],
  ["has its own buffers", "readBufferSize", "memoryLimit", "delayedWrite"],
  ["hides pings; reconnect: { topics: true } has a heartbeat", "autoPong", "ping", "pong"],
  ["cannot ping; reconnect: { topics: true } has a heartbeat", "pingInterval", "pongTimeout"],
  ["shows whole messages only", "utf8Check", "maxFragments", "messageTimeout", "readTimeout"],
  ["controls compression itself", "compression"],
  ["cannot be cut", "writeTimeout", "maxLifetime"],
  ["cannot make the peer wait", "rateLimit", "unreadTimeout"],
];

/** The allowed values by kind of check. */
const ALLOWED: Readonly<Record<Kind, string>> = {
  function: "a function",
  signal: "an AbortSignal",
  number: "an integer from 0 to 2147483647",
  positive: "an integer from 1 to 2147483647",
};

/** The allowed values of options with specific checks. */
const ALLOWED_BY_NAME: Readonly<Record<string, string>> = {
  text: '"string" or "bytes"',
  binaryType: '"uint8array" or "arraybuffer"',
  subprotocols: "an array of strings",
  reconnect: "a boolean or an object",
  "reconnect.topics": "a boolean",
  "reconnect.restartDelay": "[least, most] in milliseconds",
  "reconnect.maxAttempts": "an integer from 1 to 2147483647, or Infinity",
  "reconnect.overloadDelay": "[least, most] in milliseconds, or false",
};

/**
 * The error for an option that is unknown, wrong, or not supported by the global WebSocket.
 *
 * @param check The failed check; `undefined` if the option is unknown.
 */
export function refusal(
  name: string,
  value: unknown,
  check: Checks[string] | undefined,
): TypeError | RangeError {
  const reason = REFUSED.find((entry) => entry.indexOf(name, 1) > 0)?.[0];
  if (check === undefined && reason !== undefined) {
    return new TypeError(`Option "${name}" cannot be given here: the global WebSocket ${reason}`);
  }
  const got = show(value);
  if (check === undefined) return new TypeError(`Unknown option "${name}" of connect`);
  const allowed = typeof check === "string" ? ALLOWED[check] : ALLOWED_BY_NAME[name]!;
  const message = `Option "${name}" must be ${allowed}, got ${got}`;
  return typeof value === "number" && allowed.startsWith("an integer")
    ? new RangeError(message)
    : new TypeError(message);
}

/** The error for a missing global WebSocket or an unsupported URL. */
export function unconnectable(url: string | URL): TypeError {
  const { WebSocket: Socket, location } = globalThis as PageGlobals;
  if (Socket === undefined) {
    return new TypeError(
      'Cannot connect: no global WebSocket; on Node import "@quickws/quickws/node"',
    );
  }
  try {
    new URL(url, location?.href);
    return new TypeError(`Cannot connect: the URL must be ws: or wss:`);
  } catch (cause) {
    return new TypeError(`Cannot connect: "${url}" is not a URL`, { cause });
  }
}

/** @throws {TypeError} When the options are a promise, a `Map` or the like. */
export function checkPlain(prefix: string, options: unknown): void {
  const what = prefix === "" ? "The options of connect" : `Option "${prefix.slice(0, -1)}"`;
  checkNames(what, options, Object.keys(options ?? {}));
}

/** The part of a connection needed by a stream. */
export interface StreamTarget {
  /** Whether it is open. */
  readonly readyState: string;
  /** Sends a message. */
  send(data: string | ArrayBuffer): boolean;
  /** Resolves when more may be sent. */
  drained(): Promise<void>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Collects all chunks of `source` and sends them as one message, because the global WebSocket
 * cannot send fragments; returns `false` if the connection ended first.
 */
export async function sendWhole(
  connection: StreamTarget,
  source: AsyncIterable<Message>,
  opcode: MessageOpcode | undefined,
): Promise<boolean> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let isText = opcode === undefined ? undefined : opcode === 1;
  for await (const chunk of source) {
    isText ??= typeof chunk === "string";
    parts.push(typeof chunk === "string" ? encoder.encode(chunk) : toBytes(chunk).slice());
    if (connection.readyState !== "open") return false;
  }
  const bytes = await new Blob(parts).arrayBuffer();
  connection.send(isText ? decoder.decode(bytes) : bytes);
  await connection.drained();
  return connection.readyState === "open";
}
