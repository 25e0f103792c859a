// What the options of `connect` cannot be over the global WebSocket, by name and reason. A bundle loads it
// when it is needed.

import { show } from "../shared/check.ts";

/** The options that the global WebSocket cannot honor, behind the reason why. */
const REFUSED: readonly (readonly [reason: string, ...names: string[]])[] = [
  ["sets the header fields; use a cookie, the URL or subprotocols", "headers", "origin", "host"],
  [
    "opens the connection itself",
    "tls",
    "proxy",
    "dial",
    "unix",
    "http2",
    "maxHandshakeSize",
    "noDelay",
    "readBufferSize",
  ],
  ["answers pings itself and hides them", "autoPong", "ping", "pong"],
  [
    "cannot send pings; reconnect: { topics: true } has a heartbeat of its own",
    "pingInterval",
    "pongTimeout",
  ],
  ["shows whole messages only", "utf8Check", "maxFragments", "messageTimeout", "readTimeout"],
  ["compresses by its own choice", "compression"],
  ["cannot be cut", "writeTimeout"],
  ["decides when messages leave", "delayedWrite"],
  ["cannot make the peer wait", "rateLimit", "unreadTimeout"],
  ["has no such option", "memoryLimit", "maxLifetime"],
];

/** What an option must be that the global WebSocket can honor. */
const ALLOWED: Readonly<Record<string, string>> = {
  open: "a function",
  message: "a function",
  drain: "a function",
  close: "a function",
  onError: "a function",
  text: '"string" or "bytes"',
  binaryType: '"uint8array" or "arraybuffer"',
  maxMessageSize: "an integer from 1 to 2147483647 (bytes)",
  closeTimeout: "an integer from 0 to 2147483647 (milliseconds)",
  handshakeTimeout: "an integer from 0 to 2147483647 (milliseconds)",
  highWaterMark: "an integer from 0 to 2147483647 (bytes)",
  maxBufferedAmount: "an integer from 0 to 2147483647 (bytes)",
  subprotocols: "an array of strings",
  signal: "an AbortSignal",
  data: "anything",
  reconnect: "a boolean or an object",
};

/** The error for an option that is unknown, wrong, or beyond what the global WebSocket can do. */
export function refusal(name: string, value: unknown): TypeError | RangeError {
  const reason = REFUSED.find((entry) => entry.indexOf(name, 1) > 0)?.[0];
  if (reason !== undefined) {
    return new TypeError(
      `Option "${name}" cannot be given here: the global WebSocket ${reason}`,
    );
  }
  const allowed = ALLOWED[name];
  const got = show(value);
  if (allowed === undefined) {
    const known = Object.keys(ALLOWED).join(", ");
    return new TypeError(`Unknown option "${name}" of connect, got ${got}; known are ${known}`);
  }
  const message = `Option "${name}" must be ${allowed}, got ${got}`;
  return typeof value === "number" && allowed.startsWith("an integer")
    ? new RangeError(message)
    : new TypeError(message);
}
