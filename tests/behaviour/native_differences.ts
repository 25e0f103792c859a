// The cases of the API that the WebSockets of Bun.serve and Deno.serve cannot have, each with the reason:
// an option or method that `createSockets` refuses, or a decision that is the runtime's. All other cases of
// these suites run over `createSockets` as they do over `serve`.

import type { RuntimeName } from "../support/runtimes.ts";

/** The reasons, by suite, case and runtime. */
type Differences = Readonly<
  Record<string, Readonly<Record<string, Partial<Record<RuntimeName, string>>>>>
>;

const GATHERED = "a message in fragments is gathered and sent as one frame";
const UNSTOPPABLE = "the runtime delivers messages as they arrive and cannot stop reading";
const OWN_MEMORY = "each message has memory of its own, so that nothing breaks";

/** The suites that run over `createSockets`, and what they leave out. */
export const nativeDifferences: Differences = {
  "api connection": {
    "send to a disconnected peer returns false and throws nothing": {
      deno: "Deno cannot send pings",
    },
    "sendStream sends one message in fragments; what is sent meanwhile follows": {
      deno: GATHERED,
      bun: GATHERED,
    },
    "sendStream takes a ReadableStream, and the opcode that is asked for": {
      deno: GATHERED,
      bun: GATHERED,
    },
    "sendStream rejects with what its source throws, and half a message closes with 1011": {
      deno: GATHERED,
      bun: GATHERED,
    },
    "ping and pong carry up to 125 bytes": {
      deno: "Deno cannot send pings",
    },
    "sendDelayed gathers delayedWrite.maxMessages messages into one write": {
      deno: 'the option "delayedWrite" is refused',
      bun: 'the option "delayedWrite" is refused',
    },
    "sendDelayed waits no longer than delayedWrite.maxDelay, again and again": {
      deno: 'the option "delayedWrite" is refused',
      bun: 'the option "delayedWrite" is refused',
    },
    "delayed messages are never overtaken, not by a close either": {
      deno: "Deno cannot send pings",
    },
    "close sends code and reason, 1000 unless told; nothing is sent or delivered behind it": {
      deno: "Deno reports 1006 when a message crosses the Close frame",
    },
    "closeTimeout disconnects a peer that does not answer a close": {
      deno: "Deno cannot cut a connection",
      bun: "Bun reports its own close as done when the frame was sent",
    },
    "terminate cuts the socket at once": {
      deno: "Deno cannot cut a connection",
    },
  },
  "api handlers": {
    "open comes first, then what arrives in its order, close once and last": {
      deno: 'the option "ping" is refused',
    },
    "the pong to a ping is sent before the ping handler is called": {
      deno: 'the option "ping" is refused',
    },
    "autoPong false leaves pings to the ping handler": {
      deno: 'the option "autoPong" is refused',
      bun: 'the option "autoPong" is refused',
    },
    "after a close or a terminate inside a handler nothing more is delivered": {
      deno: 'the option "ping" is refused',
    },
    'text "bytes" gives text as checked bytes, and utf8Check false leaves the check out': {
      deno: 'the option "utf8Check" is refused',
      bun: 'the option "utf8Check" is refused',
    },
    "a handler that throws or rejects closes its connection with 1011 and reports it to close": {
      deno: 'the option "ping" is refused',
      bun: "Bun sends a small message at once, so that drain is not called",
    },
    "a broken rule of framing is a ProtocolError: 1002": {
      deno: "Deno sends no Close frame when it ends a connection because of an error",
    },
    "text that is not UTF-8 is an InvalidPayloadError: 1007": {
      deno: "Deno sends no Close frame when it ends a connection because of an error",
    },
    "maxMessageSize: over it is a MessageTooBigError: 1009; all fragments count together": {
      deno: "Deno delivers whole messages: fragments without a last one are not counted",
    },
    "maxFragments: over it is closed with 1008, empty fragments included": {
      deno: 'the option "maxFragments" is refused',
      bun: 'the option "maxFragments" is refused',
    },
  },
  "api server": {
    "path listens on a unix socket, and leaves no file": {
      deno: 'the option "unix" is refused',
      bun: 'the option "unix" is refused',
    },
    "reusePort lets two servers share a port, where the runtime has it": {
      deno: 'the option "reusePort" is refused',
      bun: 'the option "reusePort" is refused',
    },
    "denoSockets chooses the sockets on Deno, and is without effect elsewhere": {
      deno: 'the option "denoSockets" is refused',
      bun: 'the option "denoSockets" is refused',
    },
    "backlog is taken": {
      deno: 'the option "backlog" is refused',
      bun: 'the option "backlog" is refused',
    },
    "tls makes it a wss server": {
      deno: 'the option "tls" is refused',
      bun: 'the option "tls" is refused',
    },
    "a TLS server outlives clients that speak no TLS": {
      deno: 'the option "tls" is refused',
      bun: 'the option "tls" is refused',
    },
    "noDelay and readBufferSize are taken on both sides": {
      deno: 'the option "noDelay" is refused',
      bun: 'the option "noDelay" is refused',
    },
    "maxHandshakeSize: a longer request is answered 431": {
      deno: 'the option "maxHandshakeSize" is refused',
      bun: 'the option "maxHandshakeSize" is refused',
    },
    "handshakeTimeout: a client with an unfinished request gets 408 and is disconnected": {
      deno: "the runtime waits for the request as long as it wants",
      bun: "the runtime waits for the request as long as it wants",
    },
    "handshakeTimeout: a client that sends nothing to a TLS server is disconnected": {
      deno: 'the option "tls" is refused',
      bun: 'the option "tls" is refused',
    },
    "handshakeTimeout: an open connection has all the time it wants": {
      deno: "the runtime waits for the request as long as it wants",
      bun: "the runtime waits for the request as long as it wants",
    },
    "shutdown disconnects peers that do not answer within its timeout": {
      bun: "Bun reports its own close as done when the frame was sent",
    },
    "finished resolves when the last connection has closed": {
      bun: "Bun reports its own close as done when the frame was sent",
    },
  },
  "api upgrade": {
    "without fetch a plain request is answered 426": {
      deno: "the application answers plain HTTP",
      bun: "the application answers plain HTTP",
    },
    "fetch: HEAD has no body, a request with a body is refused": {
      deno: "the application answers plain HTTP",
      bun: "the application answers plain HTTP",
    },
    "a fetch that throws or rejects causes a 500, and onError is called": {
      deno: "the application answers plain HTTP",
      bun: "the application answers plain HTTP",
    },
  },
  "api topics": {
    "a compressed message is the same bytes for all that share parameters": {
      deno: 'the option "compression" is refused',
      bun: "Bun negotiates its own parameters",
    },
  },
  "api client topics": {
    "text and bytes pass in both directions, whole and in fragments": {
      deno: GATHERED,
      bun: GATHERED,
    },
    "messages and their lines are compressed, and requests may be": {
      deno: 'the option "compression" is refused',
    },
  },
  "api keepalive": {
    "pingInterval sends pings, and peers that answer stay connected": {
      deno: 'the option "pongTimeout" is refused',
    },
    "pongTimeout gives up a peer that answers no ping": {
      deno: 'the option "pongTimeout" is refused',
    },
    "without pongTimeout pings alone close no connection": {
      deno: "Deno closes when no pong comes, as long after as pingInterval is",
    },
    "readTimeout gives up a peer that sends nothing": {
      deno: 'the option "readTimeout" is refused',
      bun: 'the option "readTimeout" is refused',
    },
    "readTimeout leaves a peer alone that sends anything, even half a message": {
      deno: 'the option "readTimeout" is refused',
      bun: 'the option "readTimeout" is refused',
    },
    "a paused connection does not count its peer as dead": {
      deno: 'the option "readTimeout" is refused',
      bun: 'the option "readTimeout" is refused',
    },
    "writeTimeout disconnects a peer that accepts no buffered output": {
      deno: "Deno tells only when a whole message has left",
    },
    "writeTimeout leaves a peer alone that reads all there is": {
      deno: "Deno tells only when a whole message has left",
    },
    "our own two sides keep each other alive": {
      deno: 'the option "readTimeout" is refused',
      bun: 'the option "readTimeout" is refused',
    },
  },
  "api flow": {
    "send returns false above highWaterMark; drain and drained() tell when to go on": {
      deno: "Deno tells only when a whole message has left",
    },
    "sendStream takes no more from its source than the peer reads": {
      deno: GATHERED,
      bun: GATHERED,
    },
    "an iterator that is not asked makes the peer wait: of 256 MiB it sends a few, and memory stays flat":
      { deno: UNSTOPPABLE, bun: UNSTOPPABLE },
    "a readable that is not read makes the peer wait: of 256 MiB it sends a few, and memory stays flat":
      { deno: UNSTOPPABLE, bun: UNSTOPPABLE },
    "pause makes the peer wait, and resume continues, and nothing is delivered in between": {
      deno: UNSTOPPABLE,
      bun: UNSTOPPABLE,
    },
    "a close finishes while reading is paused": { deno: UNSTOPPABLE, bun: UNSTOPPABLE },
    "pause inside a handler holds back even what has arrived already": {
      deno: UNSTOPPABLE,
      bun: UNSTOPPABLE,
    },
    "100,000 pings from a peer that does not read: memory stays flat, the last one is answered": {
      deno: 'the option "ping" is refused',
      bun: "Bun keeps a pong for each ping",
    },
  },
  "api history": {},
  "api user code": {
    "a handler that transfers a message's buffer harms no other connection, and its own has a clear end":
      { deno: OWN_MEMORY, bun: OWN_MEMORY },
    "what a handler throws goes to onError once, with its connection, and nothing else is affected":
      {
        deno: 'the option "ping" is refused',
        bun: "Bun sends a small message at once, so that drain is not called",
      },
    "a connection without a reader is pinged, and one with a silent peer closes": {
      deno: 'the option "readTimeout" is refused',
      bun: 'the option "readTimeout" is refused',
    },
    "the end of the stream is noticed without a reader, and while paused": {
      deno: UNSTOPPABLE,
      bun: UNSTOPPABLE,
    },
    "what was accepted during a stream is sent before the Close frame": {
      deno: GATHERED,
      bun: GATHERED,
    },
    "all that was sent before close() arrives, however slowly the peer reads": {
      deno: "Deno cannot cut a connection",
    },
    "what the kernel still holds when closeTimeout is over arrives, and the stream ends without a reset":
      { deno: "Deno cannot cut a connection" },
    "what cannot be sent before the Close frame makes the end unclean": {
      deno: "Deno cannot cut a connection, nor send fragments",
    },
    "after unreadTimeout messages are discarded as they come, and a later reader gets later ones": {
      deno: 'the option "pong" is refused',
      bun: UNSTOPPABLE,
    },
    "after a reader transferred a message's buffer the next message is an error, not empty": {
      deno: OWN_MEMORY,
      bun: OWN_MEMORY,
    },
    "a stream that waits behind another one is not sent once the connection closes": {
      deno: GATHERED,
      bun: GATHERED,
    },
    "our own stall is not held against the peer": { deno: 'the option "pongTimeout" is refused' },
    "pings wait while a compressed message is sent in fragments": { deno: GATHERED, bun: GATHERED },
    "sendFragment sends the frames of one message, and other messages wait for its end": {
      deno: GATHERED,
      bun: GATHERED,
    },
  },
  "api reading": {},
  "api options": {},
};
