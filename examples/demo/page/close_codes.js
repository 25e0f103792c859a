// The meaning of close codes (RFC 6455 section 7.4.1 and IANA's registry), and whether to
// reconnect.

/** @type {Record<number, [name: string, meaning: string]>} */
const CODES = {
  1000: ["Normal", "Both sides are done."],
  1001: ["Going away", "The server is stopping or restarting."],
  1002: ["Protocol error", "One side violated the protocol."],
  1003: ["Unsupported data", "The other side does not accept this kind of message."],
  1005: ["No code", "The other side closed without a code."],
  1006: ["Abnormal closure", "The connection ended without a Close frame."],
  1007: ["Invalid payload", "A message did not match its type."],
  1008: ["Policy violation", "A message violated a rule of the application."],
  1009: ["Too big", "A message was larger than the other side accepts."],
  1010: ["Extension missing", "The server did not agree to an extension."],
  1011: ["Internal error", "The peer encountered an unexpected error."],
  1012: ["Restarting", "The server restarts."],
  1013: ["Try again later", "The server is overloaded."],
  1014: ["Bad gateway", "A proxy received no valid response from the server."],
  1015: ["TLS failure", "The TLS handshake failed."],
};

/** Close codes after which a retry may succeed. */
const PASSING = new Set([1001, 1005, 1006, 1011, 1012, 1013, 1014]);

/** @param {number} code */
export function nameOf(code) {
  return CODES[code]?.[0] ?? (code >= 4000 ? "Application code" : "Registered code");
}

/** @param {number} code */
export function meaningOf(code) {
  return CODES[code]?.[1] ?? "The application defines the meaning of this code.";
}

/** @param {number} code */
export function maySucceedLater(code) {
  return PASSING.has(code);
}
