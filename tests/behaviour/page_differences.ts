// API cases that the page client does not support, with the reasons: either it rejects an option or
// method, or the browser behaves differently. All other cases of these suites run over the global
// WebSocket of Deno, Bun, Chromium and Firefox.

import type { RuntimeName } from "../support/runtimes.ts";

/** An implementation of the global WebSocket. */
export type PageEngine = Exclude<RuntimeName, "node"> | "chromium" | "firefox";

/** The reason, for all implementations or for individual ones. */
type Reason = string | Partial<Record<PageEngine, string>>;

const HEADERS = "the browser sets the header fields";
const DIALS = 'the browser dials itself: "dial", "tls" and "proxy" are rejected';
const HIDDEN = "the browser hides the response and the reason of a failure";
const PINGS = "the browser hides pings and pongs and cannot send them";
const WRITES = "the browser decides when to send output, and the case dials a raw stream";
const WHOLE = "the browser sends whole messages, so a stream is buffered until it ends";
const CODES =
  "a page can close only with 1000 and 3000-4999, so a local error adds 3000 to the code";
const RECEIVES = "the browser delivers messages as they arrive and has no limits for them";
const CUT = "the browser cannot terminate a connection, so terminate closes with 4006";

const DIFFERENCES: Readonly<Record<string, Readonly<Record<string, Reason>>>> = {
  "api client": {
    "accepts a reason phrase in Latin-1 or UTF-8 in a rejection (RFC 9112 4)": HIDDEN,
    "sends headers in each form of the web's Headers": HEADERS,
    "sends Origin only when it is given": HEADERS,
    "sends the URL's user and password as Basic credentials and does not expose them":
      "the browser decides how to use the user and password of a URL",
    "handshake contains the server's response": HIDDEN,
    "bytes above ASCII in unrelated fields are opaque (RFC 9110 5.5)": HIDDEN,
    "headers may be a sync or async function, and host overrides the Host field": HEADERS,
    "handshakeTimeout and signal cover headers that never resolve": HEADERS,
    "maxHandshakeSize limits the head of the response": HIDDEN,
    "trusts tls.caCerts and rejects an unknown authority": DIALS,
    "wss: checks a host name and an IPv6 address against the certificate": DIALS,
    "checks tls.serverName instead of the host": DIALS,
    "tls.rejectUnauthorized false accepts any certificate": DIALS,
    "dial supplies any stream, and receives the address": DIALS,
    "dial receives the TLS options, and its error becomes the cause": DIALS,
    "connects directly if the proxy function returns undefined": DIALS,
    "no listener: ConnectionError CONNECT_FAILED with the runtime's error as its cause": HIDDEN,
    "a disconnect during the handshake: ConnectionError CONNECTION_LOST": HIDDEN,
    "a rejection is a HandshakeError with status, header fields and the start of the body": HIDDEN,
    "does not follow redirects; the error names the location": HIDDEN,
    "a response that is not HTTP is a HandshakeError": HIDDEN,
    "a blocked event loop does not cause a handshake timeout": HEADERS,
    "handshakeTimeout covers a server that accepts but does not respond": {
      firefox: "Firefox keeps the stream of an abandoned handshake for more than a minute",
    },
    "handshakeTimeout covers a dial that never resolves, and destroys its late stream": DIALS,
    "signal rejects with its reason before dialing, while dialing and during the handshake": DIALS,
    "onLimit receives unreadTimeout, rateLimit and memoryLimit of the client": RECEIVES,
  },
  "api reconnect": {
    "retries 503 and 429 after Retry-After, in seconds or as a date": HIDDEN,
    "waits for Retry-After": HIDDEN,
    "does not retry after 401": HIDDEN,
    "detects a silent server": PINGS,
    "has all send methods of a connection; streams continue across connections": WHOLE,
    "a slow reader gets all messages received before the disconnect": {
      firefox: "the number of messages that Firefox delivers before a disconnect varies",
    },
    "URL and headers may be functions, called for each attempt; their error fails the attempt":
      HEADERS,
    "sends headers from a single-use iterable with each attempt": HEADERS,
    "onLimit receives the limits of each connection, and maxQueue, with the reconnecting one":
      RECEIVES,
    "pings and compression work as on any connection": PINGS,
    "rejects a server without the subprotocol": {
      bun: "Bun fails the handshake, as Chromium does, so the attempt is repeated",
      chromium: "Chromium fails the handshake, so the attempt is repeated",
    },
    "closes with 1007 on malformed lines, and reconnects with growing delays": CODES,
  },
  "api connection": {
    "send to a disconnected peer returns false and does not throw": PINGS,
    "sendStream sends one message in fragments and later messages after it": WHOLE,
    "sendStream accepts a ReadableStream and the opcode": WHOLE,
    "sendStream rejects with its source's error and closes a partial message with 1011": WHOLE,
    "text of 540,000,000 bytes is delivered or fails with MESSAGE_TOO_BIG":
      "the browser decodes text itself",
    "ping and pong carry up to 125 bytes": PINGS,
    "cork sends the output of its function in one write": WRITES,
    "sends the output of one tick in one write": WRITES,
    "sendDelayed batches delayedWrite.maxMessages messages into one write": WRITES,
    "later messages and a close do not overtake delayed messages": PINGS,
    "closeTimeout disconnects a peer that does not answer a close": CODES,
    "terminate destroys the socket immediately": CUT,
  },
  "api handlers": {
    "calls open first, then the handlers in order, and close once and last": PINGS,
    "sends the pong before it calls the ping handler": PINGS,
    "autoPong false leaves pings to the ping handler": PINGS,
    "delivers no message after a close or terminate inside a handler": PINGS,
    "reports a client's own close as local and clean": PINGS,
    'text "bytes" delivers validated UTF-8, and utf8Check false skips validation': RECEIVES,
    "closes with 1011 when a handler throws or rejects, and reports the error to close": CODES,
  },
  "api reading": {
    "both sides have url, protocol, extensions, remoteAddress, handshake and data": HEADERS,
    "aborting writable closes with 1011; writing to a closed connection rejects": CODES,
    "reads a Close frame beyond the read-ahead limit: with the messages, or after unreadTimeout":
      RECEIVES,
  },
};

/** The suites that run with the page client. */
export const pageSuites: readonly string[] = Object.keys(DIFFERENCES);

/** Returns the excluded cases of a suite, with the reasons. */
export function pageDifferences(suite: string, engine: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(DIFFERENCES[suite]!).map(([name, reason]) => [
      name,
      typeof reason === "string" ? reason : reason[engine as PageEngine],
    ]).filter(([, reason]) => reason !== undefined),
  );
}
