// The options of `connect` that the global WebSocket cannot support, with the reasons. A bundle loads it
// when it is needed.

import { show } from "../shared/check.ts";

/** The options that the global WebSocket cannot honor, behind the reason why. */
const REFUSED: readonly (readonly [reason: string, ...names: string[]])[] = [
  ["sets the header fields; use a cookie, the URL or subprotocols", "headers", "origin", "host"],
  ["dials itself", "tls", "proxy", "dial", "unix", "http2", "maxHandshakeSize", "noDelay"],
  ["has its own buffers", "readBufferSize", "memoryLimit", "delayedWrite"],
  ["hides pings; reconnect: { topics: true } has a heartbeat", "autoPong", "ping", "pong"],
  ["cannot ping; reconnect: { topics: true } has a heartbeat", "pingInterval", "pongTimeout"],
  ["shows whole messages only", "utf8Check", "maxFragments", "messageTimeout", "readTimeout"],
  ["compresses by its own choice", "compression"],
  ["cannot be cut", "writeTimeout", "maxLifetime"],
  ["cannot make the peer wait", "rateLimit", "unreadTimeout"],
];

/** The values of options that the global WebSocket supports. */
const ALLOWED: readonly (readonly [allowed: string, ...names: string[]])[] = [
  ["a function", "open", "message", "drain", "close", "onError", "topicMessage"],
  ["a function", "reconnecting", "reconnected", "reconnect.retry"],
  ['"string" or "bytes"', "text"],
  ['"uint8array" or "arraybuffer"', "binaryType"],
  ["an integer from 1 to 2147483647", "maxMessageSize", "reconnect.minDelay"],
  ["an integer from 1 to 2147483647", "reconnect.maxDelay", "reconnect.maxAttempts"],
  ["an integer from 0 to 2147483647", "closeTimeout", "handshakeTimeout", "highWaterMark"],
  ["an integer from 0 to 2147483647", "maxBufferedAmount", "reconnect.minUptime"],
  ["an integer from 0 to 2147483647", "reconnect.maxQueue"],
  ["[least, most] in milliseconds", "reconnect.restartDelay", "reconnect.overloadDelay"],
  ["an array of strings", "subprotocols"],
  ["an AbortSignal", "signal", "reconnect.signal"],
  ["a boolean", "reconnect.topics"],
  ["a boolean or an object", "reconnect"],
];

/** The error for an option that is unknown, wrong, or beyond what the global WebSocket can do. */
export function refusal(name: string, value: unknown): TypeError | RangeError {
  const got = show(value);
  const isNamed = (entry: readonly string[]): boolean => entry.indexOf(name, 1) > 0;
  const allowed = ALLOWED.find(isNamed)?.[0];
  const reason = REFUSED.find(isNamed)?.[0];
  if (reason !== undefined) {
    return new TypeError(`Option "${name}" cannot be given here: the global WebSocket ${reason}`);
  }
  if (allowed === undefined) {
    return new TypeError(`Unknown option "${name}" of connect, got ${got}`);
  }
  const message = `Option "${name}" must be ${allowed}, got ${got}`;
  return typeof value === "number" && allowed.startsWith("an integer")
    ? new RangeError(message)
    : new TypeError(message);
}
