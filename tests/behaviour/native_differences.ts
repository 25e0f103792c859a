// API cases that the WebSockets of Bun.serve and Deno.serve do not support, with the reasons:
// either `createSockets` rejects an option or method, or the runtime behaves differently. All other
// cases of these suites also run over `createSockets`.

import type { RuntimeName } from "../support/runtimes.ts";

/** The reasons, by suite, case and runtime. */
type Differences = Readonly<
  Record<string, Readonly<Record<string, Partial<Record<RuntimeName, string>>>>>
>;

const BUFFERED = "fragments are buffered and sent as one frame";
const UNSTOPPABLE = "the runtime delivers messages as they arrive and cannot stop reading";
const OWN_MEMORY = "each message has a separate buffer, so no message is affected";

/** The suites that run over `createSockets`, and the excluded cases. */
export const nativeDifferences: Differences = {
  "api connection": {
    "send to a disconnected peer returns false and does not throw": {
      deno: "Deno cannot send pings",
    },
    "sendStream sends one message in fragments and later messages after it": {
      deno: BUFFERED,
      bun: BUFFERED,
    },
    "sendStream accepts a ReadableStream and the opcode": {
      deno: BUFFERED,
      bun: BUFFERED,
    },
    "sendStream rejects with its source's error and closes a partial message with 1011": {
      deno: BUFFERED,
      bun: BUFFERED,
    },
    "text longer than the runtime's maximum string length closes with 1009": {
      deno: "the runtime decodes text itself",
      bun: "the runtime decodes text itself",
    },
    "text of 540,000,000 bytes is delivered or fails with MESSAGE_TOO_BIG": {
      deno: "the runtime decodes text itself",
      bun: "the runtime decodes text itself",
    },
    "ping and pong carry up to 125 bytes": {
      deno: "Deno cannot send pings",
    },
    "sendDelayed batches delayedWrite.maxMessages messages into one write": {
      deno: 'the option "delayedWrite" is rejected',
      bun: 'the option "delayedWrite" is rejected',
    },
    "sendDelayed waits at most delayedWrite.maxDelay, repeatedly": {
      deno: 'the option "delayedWrite" is rejected',
      bun: 'the option "delayedWrite" is rejected',
    },
    "later messages and a close do not overtake delayed messages": {
      deno: "Deno cannot send pings",
    },
    "close sends code and reason, 1000 by default, and stops sending and delivery": {
      deno: "Deno reports 1006 when a message crosses the Close frame",
    },
    "closeTimeout disconnects a peer that does not answer a close": {
      deno: "Deno cannot terminate a connection",
      bun: "Bun reports a local close as complete when the Close frame is sent",
    },
    "terminate destroys the socket immediately": {
      deno: "Deno cannot terminate a connection",
    },
  },
  "api handlers": {
    "calls open first, then the handlers in order, and close once and last": {
      deno: 'the option "ping" is rejected',
    },
    "sends the pong before it calls the ping handler": {
      deno: 'the option "ping" is rejected',
    },
    "autoPong false leaves pings to the ping handler": {
      deno: 'the option "autoPong" is rejected',
      bun: 'the option "autoPong" is rejected',
    },
    "delivers no message after a close or terminate inside a handler": {
      deno: 'the option "ping" is rejected',
    },
    'text "bytes" delivers validated UTF-8, and utf8Check false skips validation': {
      deno: 'the option "utf8Check" is rejected',
      bun: 'the option "utf8Check" is rejected',
    },
    "closes with 1011 when a handler throws or rejects, and reports the error to close": {
      deno: 'the option "ping" is rejected',
      bun: "Bun sends a small message immediately, so drain is not called",
    },
    "a framing violation is a ProtocolError: 1002": {
      deno: "Deno sends no Close frame when it ends a connection because of an error",
    },
    "text that is not UTF-8 is an InvalidPayloadError: 1007": {
      deno: "Deno sends no Close frame when it ends a connection because of an error",
    },
    "maxMessageSize: a larger message, including all fragments, is a MessageTooBigError: 1009": {
      deno: "Deno delivers only complete messages, so fragments of others are not counted",
    },
    "maxFragments: closes with 1008, counting empty fragments": {
      deno: 'the option "maxFragments" is rejected',
      bun: 'the option "maxFragments" is rejected',
    },
  },
  "api server": {
    "path listens on a unix socket and removes its file": {
      deno: 'the option "unix" is rejected',
      bun: 'the option "unix" is rejected',
    },
    "two servers share a port with reusePort, where supported": {
      deno: 'the option "reusePort" is rejected',
      bun: 'the option "reusePort" is rejected',
    },
    "denoSockets selects the sockets on Deno and has no effect elsewhere": {
      deno: 'the option "denoSockets" is rejected',
      bun: 'the option "denoSockets" is rejected',
    },
    "accepts the option backlog": {
      deno: 'the option "backlog" is rejected',
      bun: 'the option "backlog" is rejected',
    },
    "tls makes it a wss server": {
      deno: 'the option "tls" is rejected',
      bun: 'the option "tls" is rejected',
    },
    "a TLS server survives clients that do not use TLS": {
      deno: 'the option "tls" is rejected',
      bun: 'the option "tls" is rejected',
    },
    "accepts noDelay and readBufferSize on both sides": {
      deno: 'the option "noDelay" is rejected',
      bun: 'the option "noDelay" is rejected',
    },
    "maxHandshakeSize: answers a longer request with 431": {
      deno: 'the option "maxHandshakeSize" is rejected',
      bun: 'the option "maxHandshakeSize" is rejected',
    },
    "handshakeTimeout: a client with an unfinished request gets 408 and is disconnected": {
      deno: "the runtime applies its own request timeout",
      bun: "the runtime applies its own request timeout",
    },
    "handshakeTimeout disconnects a silent client of a TLS server": {
      deno: 'the option "tls" is rejected',
      bun: 'the option "tls" is rejected',
    },
    "handshakeTimeout does not apply to open connections": {
      deno: "the runtime applies its own request timeout",
      bun: "the runtime applies its own request timeout",
    },
    "shutdown disconnects peers that do not answer within its timeout": {
      bun: "Bun reports a local close as complete when the Close frame is sent",
    },
    "finished resolves when the last connection has closed": {
      bun: "Bun reports a local close as complete when the Close frame is sent",
    },
  },
  "api upgrade": {
    "answers a plain request with 426 without fetch": {
      deno: "the application answers plain HTTP",
      bun: "the application answers plain HTTP",
    },
    "fetch: omits the body for HEAD and rejects a request with a body": {
      deno: "the application answers plain HTTP",
      bun: "the application answers plain HTTP",
    },
    "answers 500 and calls onError when fetch throws or rejects": {
      deno: "the application answers plain HTTP",
      bun: "the application answers plain HTTP",
    },
  },
  "api topics": {
    "compresses once for connections with the same parameters": {
      deno: 'the option "compression" is rejected',
      bun: "Bun negotiates its own parameters",
    },
  },
  "api client topics": {
    "transfers text and bytes in both directions, whole and in fragments": {
      deno: BUFFERED,
      bun: BUFFERED,
    },
    "compresses messages with their lines, and accepts compressed requests": {
      deno: 'the option "compression" is rejected',
    },
  },
  "api keepalive": {
    "pingInterval sends pings, and peers that answer stay connected": {
      deno: 'the option "pongTimeout" is rejected',
    },
    "pongTimeout disconnects a peer that does not answer pings": {
      deno: 'the option "pongTimeout" is rejected',
    },
    "pings do not close a connection without pongTimeout": {
      deno: "Deno closes the connection if no pong arrives within pingInterval",
    },
    "readTimeout disconnects a silent peer": {
      deno: 'the option "readTimeout" is rejected',
      bun: 'the option "readTimeout" is rejected',
    },
    "readTimeout does not disconnect a peer that sends anything, even a partial message": {
      deno: 'the option "readTimeout" is rejected',
      bun: 'the option "readTimeout" is rejected',
    },
    "a paused connection does not time out its peer": {
      deno: 'the option "readTimeout" is rejected',
      bun: 'the option "readTimeout" is rejected',
    },
    "writeTimeout disconnects a peer that reads no buffered output": {
      deno: "Deno reports only that a whole message was sent",
    },
    "writeTimeout does not disconnect a peer that reads slowly": {
      deno: "Deno reports only that a whole message was sent",
    },
    "a client and a server of the library keep their connection open": {
      deno: 'the option "readTimeout" is rejected',
      bun: 'the option "readTimeout" is rejected',
    },
  },
  "api flow": {
    "send returns false above highWaterMark; drain and drained() report when to continue": {
      deno: "Deno reports only that a whole message was sent",
    },
    "sendStream reads its source no faster than the peer reads": {
      deno: BUFFERED,
      bun: BUFFERED,
    },
    "an iterator without a pending next() applies backpressure, and memory stays flat": {
      deno: UNSTOPPABLE,
      bun: UNSTOPPABLE,
    },
    "a readable without a reader applies backpressure, and memory stays flat": {
      deno: UNSTOPPABLE,
      bun: UNSTOPPABLE,
    },
    "pause applies backpressure and stops delivery until resume": {
      deno: UNSTOPPABLE,
      bun: UNSTOPPABLE,
    },
    "a close completes while reading is paused": { deno: UNSTOPPABLE, bun: UNSTOPPABLE },
    "pause inside a handler also defers messages already received": {
      deno: UNSTOPPABLE,
      bun: UNSTOPPABLE,
    },
    "memory stays flat after 100,000 pings from a peer that does not read": {
      deno: 'the option "ping" is rejected',
      bun: "Bun buffers a pong for each ping",
    },
  },
  "api history": {},
  "api user code": {
    "a handler that transfers a message's buffer fails only its own connection, with a clear error":
      { deno: OWN_MEMORY, bun: OWN_MEMORY },
    "an error in a handler reaches onError once, with its connection, and affects no other connection":
      {
        deno: 'the option "ping" is rejected',
        bun: "Bun sends a small message immediately, so drain is not called",
      },
    "pings without a reader, and closes when the peer is silent": {
      deno: 'the option "readTimeout" is rejected',
      bun: 'the option "readTimeout" is rejected',
    },
    "detects the end of the stream without a reader and while paused": {
      deno: UNSTOPPABLE,
      bun: UNSTOPPABLE,
    },
    "sends output accepted during a stream before the Close frame": {
      deno: BUFFERED,
      bun: BUFFERED,
    },
    "delivers all output sent before close(), however slowly the peer reads": {
      deno: "Deno cannot terminate a connection",
    },
    "output in the kernel's buffer after closeTimeout arrives, and the stream ends without a reset":
      { deno: "Deno cannot terminate a connection" },
    "a close that drops output is not clean": {
      deno: "Deno cannot terminate a connection or send fragments",
    },
    "discards messages after unreadTimeout, and a later reader gets later messages": {
      deno: 'the option "pong" is rejected',
      bun: UNSTOPPABLE,
    },
    "after a message's buffer is transferred, an error follows instead of empty messages": {
      deno: OWN_MEMORY,
      bun: OWN_MEMORY,
    },
    "a handler that detaches a read buffer ends only its connection, and onError is called once": {
      deno: OWN_MEMORY,
      bun: OWN_MEMORY,
    },
    "does not send a queued stream after the connection closes": {
      deno: BUFFERED,
      bun: BUFFERED,
    },
    "a local stall does not time out the peer": { deno: 'the option "pongTimeout" is rejected' },
    "delays pings while sending a compressed message in fragments": {
      deno: BUFFERED,
      bun: BUFFERED,
    },
    "sendFragment sends one message in frames; other messages wait": {
      deno: BUFFERED,
      bun: BUFFERED,
    },
  },
  "api limits": {
    "rateLimit counts pings": { deno: "Deno answers pings itself and does not report them" },
  },
  "api reading": {},
  "api options": {},
};
