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

/** The values that are allowed, by the kind of the check. */
const ALLOWED = [
  "a function",
  "an AbortSignal",
  "an integer from 1 to 2147483647",
  "an integer from 0 to 2147483647",
];

/** The values that are allowed, by the name of an option whose check no other has. */
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
 * The error for an option that is unknown, wrong, or beyond what the global WebSocket can do.
 *
 * @param kind The kind of the check that the value has failed; -1 for one that no other option has, and
 * `undefined` where the option is not known.
 */
export function refusal(
  name: string,
  value: unknown,
  kind: number | undefined,
): TypeError | RangeError {
  const reason = REFUSED.find((entry) => entry.indexOf(name, 1) > 0)?.[0];
  if (kind === undefined && reason !== undefined) {
    return new TypeError(`Option "${name}" cannot be given here: the global WebSocket ${reason}`);
  }
  const got = show(value);
  if (kind === undefined) return new TypeError(`Unknown option "${name}" of connect, got ${got}`);
  const allowed = ALLOWED[kind] ?? ALLOWED_BY_NAME[name]!;
  const message = `Option "${name}" must be ${allowed}, got ${got}`;
  return typeof value === "number" && allowed.startsWith("an integer")
    ? new RangeError(message)
    : new TypeError(message);
}
