// The cases of the API that the WebSockets of Bun.serve and Deno.serve cannot have, each with the reason:
// an option or method that `createSockets` refuses, or a decision that is the runtime's. All other cases of
// these suites run over `createSockets` as they do over `serve`.

import type { RuntimeName } from "../support/runtimes.ts";

/** The reasons, by suite, case and runtime. */
type Differences = Readonly<
  Record<string, Readonly<Record<string, Partial<Record<RuntimeName, string>>>>>
>;

/** The suites that run over `createSockets`, and what they leave out. */
export const nativeDifferences: Differences = {
  "api connection": {
    "send to a peer that is gone returns false and throws nothing": {
      deno: "ping is refused",
    },
    "sendStream sends one message in fragments; what is sent meanwhile follows": {
      deno: "ping is refused",
      bun: "the runtime reads and writes the frames",
    },
    "sendStream takes a ReadableStream, and the opcode that is asked for": {
      deno: "the runtime reads and writes the frames",
      bun: "the runtime reads and writes the frames",
    },
    "sendStream rejects with what its source throws, and half a message closes with 1011": {
      deno: "the runtime reads and writes the frames",
      bun: "the runtime reads and writes the frames",
    },
    "ping and pong carry up to 125 bytes": {
      deno: "ping is refused",
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
      deno: "ping is refused",
    },
    "close sends code and reason, 1000 unless told; nothing is sent or delivered behind it": {
      deno: "Deno waits for the Close frame of the peer",
    },
    "closeTimeout cuts a peer that does not answer a close": {
      deno:
        "Deno cannot cut a connection, and Bun reports its own close as done when the frame was sent",
      bun:
        "Deno cannot cut a connection, and Bun reports its own close as done when the frame was sent",
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
      deno: "the runtime reads and writes the frames",
      bun: "the runtime reads and writes the frames",
    },
    "a handler that throws or rejects closes its connection with 1011 and is told to close": {
      deno: "the runtime has room, so that drain is not called",
      bun: "the runtime has room, so that drain is not called",
    },
    "a broken rule of framing is a ProtocolError: 1002": {
      deno: "the runtime reads and writes the frames",
      bun: "the runtime reads and writes the frames",
    },
    "text that is not UTF-8 is an InvalidPayloadError: 1007": {
      deno: "the runtime reads and writes the frames",
      bun: "the runtime reads and writes the frames",
    },
    "maxMessageSize: over it is a MessageTooBigError: 1009; all fragments count together": {
      deno: "the runtime reads and writes the frames",
    },
    "maxFragments: over it is closed with 1008, empty fragments included": {
      deno: 'the option "maxFragments" is refused',
      bun: 'the option "maxFragments" is refused',
    },
  },
  "api server": {
    "IPv6: the URL has brackets, the addresses have none": {
      deno: "the URL is that of the test",
      bun: "the URL is that of the test",
    },
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
    "tls makes it a wss server for those who trust its certificate": {
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
    "handshakeTimeout: who does not finish its request is answered 408 and cut off": {
      deno: "the runtime reads the request",
      bun: "the runtime reads the request",
    },
    "handshakeTimeout: who says nothing to a TLS server is cut off": {
      deno: 'the option "tls" is refused',
      bun: 'the option "tls" is refused',
    },
    "handshakeTimeout: an open connection has all the time it wants": {
      deno: "the runtime reads the request",
      bun: "the runtime reads the request",
    },
    "shutdown cuts those that do not answer within its timeout": {
      bun: "Bun reports its own close as done when the frame was sent",
    },
    "finished resolves when the last connection is gone": {
      bun: "Bun reports its own close as done when the frame was sent",
    },
  },
  "api upgrade": {
    'origins "same", the default, wants the host of the request, and tells how to change that': {
      deno: "the runtime keeps the HTTP connection of a rejected request open",
      bun: "the runtime keeps the HTTP connection of a rejected request open",
    },
    "a list of origins is the whole list": {
      deno: "the runtime keeps the HTTP connection of a rejected request open",
      bun: "the runtime keeps the HTTP connection of a rejected request open",
    },
    "a function decides by the origin and the request": {
      deno: "the runtime keeps the HTTP connection of a rejected request open",
      bun: "the runtime keeps the HTTP connection of a rejected request open",
    },
    "a hook can refuse with any status, header fields and body, at once or later": {
      deno: "the runtime keeps the HTTP connection of a rejected request open",
      bun: "the runtime keeps the HTTP connection of a rejected request open",
    },
    "a hook that throws or rejects is a 500, and onError hears of it": {
      deno: "the runtime keeps the HTTP connection of a rejected request open",
      bun: "the runtime keeps the HTTP connection of a rejected request open",
    },
    "a hook that returns something else is a 500, and onError hears a TypeError that names it": {
      deno: "the runtime keeps the HTTP connection of a rejected request open",
      bun: "the runtime keeps the HTTP connection of a rejected request open",
    },
    "without fetch a plain request is answered 426": {
      deno: "the runtime answers plain HTTP",
      bun: "the runtime answers plain HTTP",
    },
    "fetch: HEAD has no body, a request with a body is refused": {
      deno: "the runtime answers plain HTTP",
      bun: "the runtime answers plain HTTP",
    },
    "a fetch that throws or rejects is a 500, and onError hears of it": {
      deno: "the runtime answers plain HTTP",
      bun: "the runtime answers plain HTTP",
    },
  },
  "api topics": {
    "a compressed message is the same bytes for all that share parameters": {
      deno: 'the option "compression" is refused',
      bun: "Bun compresses by itself",
    },
  },
  "api client topics": {
    "text and bytes pass in both directions, whole and in fragments": {
      deno: "the runtime reads and writes the frames",
      bun: "the runtime reads and writes the frames",
    },
    "what is no request closes the connection with 1007, and the others go on": {
      deno: "Deno ends a connection that breaks the framing without a Close frame",
    },
    "a client that asks and asks and does not read is cut, and others are served": {
      deno: "the runtime buffers more before it reports that the peer is slow",
      bun: "the runtime buffers more before it reports that the peer is slow",
    },
    "messages and their lines are compressed, and requests may be": {
      deno: 'the option "compression" is refused',
    },
  },
  "api keepalive": {
    "pingInterval sends pings, and whoever answers stays": {
      deno: 'the option "pongTimeout" is refused',
    },
    "pongTimeout gives up a peer that answers no ping": {
      deno: 'the option "pongTimeout" is refused',
    },
    "without pongTimeout pings alone give nobody up": {
      deno: "Deno hides pings",
    },
    "readTimeout gives up a peer that sends nothing": {
      deno: 'the option "readTimeout" is refused',
      bun: 'the option "readTimeout" is refused',
    },
    "readTimeout leaves a peer alone that sends anything, even half a message": {
      deno: 'the option "readTimeout" is refused',
      bun: 'the option "readTimeout" is refused',
    },
    "a connection that is paused cannot hear its peer, and does not give it up": {
      deno: 'the option "readTimeout" is refused',
      bun: 'the option "readTimeout" is refused',
    },
    "writeTimeout gives up a peer that takes nothing of what waits": {
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
  "api history": {},
  "api reading": {},
  "api options": {
    "options that contradict each other are refused": {
      deno: "the options of the address are refused",
      bun: "the options of the address are refused",
    },
  },
};
