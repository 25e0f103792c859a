import assert from "node:assert/strict";
import { ConnectionError, WebSocketError } from "../../src/errors.ts";
import { CloseCode } from "../../src/wire/close.ts";
import { Endpoint, failure, type Side } from "../support/endpoint.ts";
import { RunLength } from "../support/run_length.ts";
import {
  BINARY,
  CLOSE,
  closePayload,
  CONTINUATION,
  type FrameParts,
  hex,
  TEXT,
  toHex,
  utf8,
} from "../support/vectors.ts";

const SIDES: readonly Side[] = ["client", "server"];
const LEGAL = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014]
  .concat([3000, 3999, 4000, 4999]);
const ILLEGAL = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535];

/** Returns the code of the sent Close frame. Nothing else may have been sent. */
function onlyClose(endpoint: Endpoint): number | undefined {
  const sent = endpoint.takeFrames();
  assert.deepEqual(sent.map(({ opcode }) => opcode), [CLOSE]);
  const [{ payload }] = sent;
  return payload.length === 0 ? undefined : payload[0] << 8 | payload[1];
}

for (const side of SIDES) {
  for (const code of LEGAL) {
    Deno.test(`a ${side} echoes the close code ${code}`, () => {
      const endpoint = Endpoint.open(side);
      endpoint.receiveClose(code, "because");
      assert.equal(endpoint.session.state, "closing");
      assert.deepEqual(endpoint.takeSent(), [[CLOSE, toHex(closePayload(code))]]);
      endpoint.session.streamClosed();
      assert.deepEqual(endpoint.endings, [{
        code,
        reason: "because",
        clean: true,
        initiator: "remote",
        sent: code,
        received: code,
        error: undefined,
      }]);
    });
  }

  for (const code of ILLEGAL) {
    Deno.test(`a ${side} answers the invalid close code ${code} with 1002`, () => {
      const endpoint = Endpoint.open(side);
      endpoint.receiveClose(code, "because");
      assert.equal(onlyClose(endpoint), 1002);
      endpoint.session.streamClosed();
      const [{ received, clean, error }] = endpoint.endings;
      assert.deepEqual([received, clean, error], [undefined, false, "CLOSE_CODE_INVALID"]);
    });
  }

  Deno.test(`a ${side} answers an empty Close frame with an empty one`, () => {
    const endpoint = Endpoint.open(side);
    endpoint.receiveClose();
    assert.deepEqual(endpoint.takeSent(), [[CLOSE, ""]]);
  });
}

interface Violation {
  readonly name: string;
  readonly frames: readonly FrameParts[];
  readonly closeCode: number;
  readonly error: string;
  readonly compressed?: boolean;
}

const VIOLATIONS: readonly Violation[] = [
  {
    name: "a Close frame of one byte",
    frames: [{ opcode: CLOSE, payload: hex("03") }],
    closeCode: 1002,
    error: "CLOSE_PAYLOAD_TOO_SHORT",
  },
  {
    name: "a Close reason that is not UTF-8",
    frames: [{ opcode: CLOSE, payload: closePayload(1000, hex("ce ba e1 bd b9 ed a0 80")) }],
    closeCode: 1007,
    error: "INVALID_UTF8",
  },
  {
    name: "a Close frame over 125 bytes",
    frames: [{ opcode: CLOSE, payload: closePayload(1000, "x".repeat(124)) }],
    closeCode: 1002,
    error: "CONTROL_FRAME_TOO_LONG",
  },
  { name: "a reserved opcode", frames: [{ opcode: 3 }], closeCode: 1002, error: "RESERVED_OPCODE" },
  {
    name: "a reserved bit",
    frames: [{ rsv: 4, opcode: TEXT }],
    closeCode: 1002,
    error: "RESERVED_BITS",
  },
  {
    name: "text that is not UTF-8",
    frames: [{ opcode: TEXT, payload: hex("ff") }],
    closeCode: 1007,
    error: "INVALID_UTF8",
  },
  {
    name: "a fragment of text that is not UTF-8",
    frames: [{ fin: false, opcode: TEXT, payload: hex("ff") }],
    closeCode: 1007,
    error: "INVALID_UTF8",
  },
  {
    name: "a message over maxMessageSize",
    frames: [
      { fin: false, opcode: BINARY, payload: "x".repeat(90) },
      { opcode: CONTINUATION, payload: "x".repeat(11) },
    ],
    closeCode: 1009,
    error: "MESSAGE_TOO_BIG",
  },
  {
    name: "a message of 2 ** 63 - 1 bytes",
    frames: [{ opcode: BINARY, length: 2n ** 63n - 1n }],
    closeCode: 1009,
    error: "MESSAGE_TOO_BIG",
  },
  {
    name: "a compressed message that is corrupt",
    frames: [{ rsv: 4, opcode: TEXT, payload: hex("01") }],
    closeCode: 1007,
    error: "INVALID_DEFLATE_DATA",
    compressed: true,
  },
  {
    name: "a compressed message with a decompressed size over maxMessageSize",
    frames: [{ rsv: 4, opcode: TEXT, payload: hex("32 61 33 61") }],
    closeCode: 1009,
    error: "MESSAGE_TOO_BIG",
    compressed: true,
  },
  {
    name: "a message with more fragments than maxFragments",
    frames: [
      { fin: false, opcode: BINARY },
      ...Array.from({ length: 4 }, () => ({ fin: false, opcode: CONTINUATION })),
    ],
    closeCode: 1008,
    error: "TOO_MANY_FRAGMENTS",
  },
];

for (const side of SIDES) {
  for (const { name, frames, closeCode, error, compressed = false } of VIOLATIONS) {
    Deno.test(`a ${side} answers ${name} with one Close frame, ${closeCode}, and stops delivery`, () => {
      const rules = { maxMessageSize: 100, maxFragments: 4, rsv1: compressed };
      const endpoint = Endpoint.open(side, rules, compressed ? new RunLength() : undefined);
      endpoint.receive({ opcode: TEXT, payload: "good" });
      endpoint.receive(...frames, { opcode: TEXT, payload: "behind" });
      endpoint.receive({ opcode: 15 }, { opcode: TEXT, payload: "later" });
      endpoint.receiveClose(1000);
      assert.equal(onlyClose(endpoint), closeCode);
      assert.deepEqual(endpoint.events, [["text", "good"]]);
      // RFC 6455 7.1.7: the side that fails the connection also ends its stream, even if it is a
      // client.
      assert.deepEqual(endpoint.asked, ["startCloseTimer", "endOutput"]);

      endpoint.session.streamClosed();
      const { reason, ...ending } = endpoint.endings[0];
      assert.deepEqual(ending, {
        code: closeCode,
        clean: false,
        initiator: "local",
        sent: closeCode,
        received: undefined,
        error,
      });
      assert.equal(reason, endpoint.errors[0]!.message);
    });
  }
}

Deno.test("after both Close frames the server ends its stream first, and the client waits for that", () => {
  // RFC 6455 7.1.1: "The underlying TCP connection [...] SHOULD be closed first by the server".
  for (const closesFirst of ["local", "remote"]) {
    const [client, server] = SIDES.map((side) => {
      const endpoint = Endpoint.open(side);
      if (closesFirst === "local") endpoint.session.close(1000, "");
      endpoint.receiveClose(1000);
      return endpoint;
    });
    assert.deepEqual(client.asked, ["startCloseTimer"]);
    assert.deepEqual(server.asked, ["startCloseTimer", "endOutput"]);
    // When the client receives the end of the stream, it ends its own.
    client.session.receiveEnd();
    assert.ok(client.asked.includes("endOutput"));
  }
});

Deno.test("a closing session starts the close timer before it waits", () => {
  const endpoint = Endpoint.open("server");
  endpoint.session.close(1000, "");
  assert.deepEqual(endpoint.asked, ["startCloseTimer"]);
});

Deno.test("closing twice sends one Close frame, with the first code and reason", () => {
  const endpoint = Endpoint.open("client");
  endpoint.session.close(4000, "first");
  endpoint.session.close(4001, "second");
  assert.deepEqual(endpoint.takeSent(), [[CLOSE, toHex(closePayload(4000, "first"))]]);
});

Deno.test("sends a Close frame without a code", () => {
  const endpoint = Endpoint.open("client");
  endpoint.session.close(CloseCode.NoStatus, "");
  assert.deepEqual(endpoint.takeSent(), [[CLOSE, ""]]);
  endpoint.session.streamClosed();
  assert.equal(endpoint.endings[0].sent, 1005);
});

Deno.test("a failure after a local Close frame is reported, but sends no second Close frame", () => {
  const endpoint = Endpoint.open("server");
  endpoint.session.close(1000, "bye");
  endpoint.receive({ opcode: TEXT, payload: hex("ff") });
  endpoint.session.fail(failure());
  assert.equal(onlyClose(endpoint), 1000);
  endpoint.session.streamClosed();
  const [{ code, sent, error }] = endpoint.endings;
  assert.deepEqual([code, sent, error], [1006, 1000, "INVALID_UTF8"]);
});

Deno.test("a failure without a close code ends the stream without a Close frame", () => {
  const endpoint = Endpoint.open("server");
  endpoint.session.fail(new ConnectionError("CONNECTION_LOST", "The connection was reset"));
  assert.equal(endpoint.waiting, 0);
  assert.deepEqual(endpoint.asked, ["startCloseTimer", "endOutput"]);
  endpoint.session.streamClosed();
  assert.equal(endpoint.endings[0].code, 1006);
});

Deno.test("terminate closes the stream and sends nothing", () => {
  const endpoint = Endpoint.open("server");
  endpoint.session.terminate(failure());
  assert.equal(endpoint.waiting, 0);
  assert.deepEqual(endpoint.asked, ["cutStream"]);
  assert.equal(endpoint.session.state, "closing");
});

Deno.test("truncates a long reason at a character boundary", () => {
  for (const padding of ["", "x", "xx"]) {
    const endpoint = Endpoint.open("server");
    const message = `${padding}${"\u20ac".repeat(100)}`;
    endpoint.session.fail(new WebSocketError("HANDLER_FAILED", message, { closeCode: 1011 }));
    const cut = message.slice(0, padding.length + Math.floor((123 - padding.length) / 3));
    assert.deepEqual(endpoint.takeSent(), [[CLOSE, toHex(closePayload(1011, cut))]]);
    endpoint.session.streamClosed();
    assert.equal(endpoint.errors[0]!.message, message, "the error keeps the whole reason");
  }
});

Deno.test("closes with 1011 on an internal error; only the local error has the cause", () => {
  const cause = new RangeError("secret");
  const endpoint = Endpoint.open("server");
  endpoint.onEvent = () => {
    throw cause;
  };
  endpoint.receive({ opcode: TEXT, payload: "text" });
  const [{ opcode, payload }] = endpoint.takeFrames();
  assert.equal(opcode, CLOSE);
  assert.deepEqual(payload.subarray(0, 2), closePayload(1011));
  assert.doesNotMatch(new TextDecoder().decode(payload.subarray(2)), /secret/);
  endpoint.session.streamClosed();
  assert.equal(endpoint.endings[0].error, "INTERNAL");
  assert.equal(endpoint.errors[0]!.cause, cause);
});

Deno.test("closes with 1011 on an internal error, whatever value was thrown", () => {
  for (const thrown of [undefined, null, "text", 7, Symbol("s"), Object.create(null), {}]) {
    const endpoint = Endpoint.open("server");
    endpoint.onEvent = () => {
      throw thrown;
    };
    endpoint.receive({ opcode: TEXT, payload: "text" });
    assert.equal(onlyClose(endpoint), 1011);
    endpoint.session.streamClosed();
    assert.equal(endpoint.errors[0]!.cause, thrown);
  }
});

Deno.test("the error of a disconnected connection has the transport's error as its cause", () => {
  const cause = new Error("connection reset by peer");
  const endpoint = Endpoint.open("client");
  endpoint.session.streamClosed(cause);
  assert.equal(endpoint.errors[0]!.cause, cause);
  assert.match(endpoint.errors[0]!.message, /connection reset by peer/);
});

Deno.test("accepts a Close frame between the fragments of a message, and drops the message", () => {
  const endpoint = Endpoint.open("server");
  endpoint.receive({ fin: false, opcode: TEXT, payload: utf8("half a ") });
  endpoint.receiveClose(1000);
  endpoint.session.streamClosed();
  assert.deepEqual(endpoint.events, []);
  assert.equal(endpoint.endings[0].clean, true);
});
