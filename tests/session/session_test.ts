import assert from "node:assert/strict";
import { InvalidPayloadError } from "../../src/errors.ts";
import { Opcode } from "../../src/wire/opcode.ts";
import { Endpoint, type EventRecord, failure, type Side } from "../support/endpoint.ts";
import { type Consumer, replay } from "../support/replay.ts";
import { RunLength } from "../support/run_length.ts";
import {
  BINARY,
  CLOSE,
  closePayload,
  concat,
  CONTINUATION,
  type FrameParts,
  hex,
  parseFrames,
  PING,
  PONG,
  TEXT,
  toHex,
  utf8,
} from "../support/vectors.ts";

const SIDES: readonly Side[] = ["client", "server"];

/** Encodes text as hexadecimal UTF-8. */
function hexOf(text: string): string {
  return toHex(utf8(text));
}

/** A Close frame as {@linkcode Endpoint.takeSent} shows it. */
function sentClose(code: number, reason = ""): [number, string] {
  return [CLOSE, toHex(closePayload(code, reason))];
}

for (const side of SIDES) {
  Deno.test(`the session of a ${side} changes its state from opening to open, closing and closed`, () => {
    const { session } = new Endpoint(side);
    assert.equal(session.state, "opening");
    session.open();
    assert.equal(session.state, "open");
    session.close(1000, "");
    assert.equal(session.state, "closing");
    session.streamClosed();
    assert.equal(session.state, "closed");
    session.open();
    assert.equal(session.state, "closed");
  });

  Deno.test(`a ${side} sends only in the open state`, () => {
    const endpoint = new Endpoint(side);
    const sendAll = (): boolean[] => [
      endpoint.session.sendText("text"),
      endpoint.session.sendBytes(Opcode.Binary, utf8("bytes")),
      endpoint.session.sendFragment(Opcode.Text, false, utf8("frag")),
      endpoint.session.sendControl(Opcode.Ping, utf8("ping")),
      endpoint.session.sendFragment(Opcode.Continuation, true, utf8("ment")),
      endpoint.session.sendControl(Opcode.Pong, utf8("pong")),
    ];
    assert.deepEqual(sendAll(), [false, false, false, false, false, false]);
    assert.equal(endpoint.waiting, 0);
    endpoint.session.open();
    assert.deepEqual(sendAll(), [true, true, true, true, true, true]);
    assert.deepEqual(endpoint.takeSent(), [
      [TEXT, hexOf("text")],
      [BINARY, hexOf("bytes")],
      [TEXT, hexOf("frag")],
      [PING, hexOf("ping")],
      [CONTINUATION, hexOf("ment")],
      [PONG, hexOf("pong")],
    ]);
    endpoint.session.close(1000, "");
    endpoint.takeBytes();
    assert.deepEqual(sendAll(), [false, false, false, false, false, false]);
    endpoint.session.streamClosed();
    assert.deepEqual(sendAll(), [false, false, false, false, false, false]);
    assert.equal(endpoint.waiting, 0);
  });

  Deno.test(`a ${side} delivers messages, pings and pongs in order for any chunk split`, () => {
    const frames: FrameParts[] = [
      { opcode: TEXT, payload: "text" },
      { opcode: PING, payload: "ping" },
      { fin: false, opcode: BINARY, payload: "by" },
      { opcode: PONG, payload: "pong" },
      { opcode: CONTINUATION, payload: "tes" },
      { opcode: TEXT },
    ];
    const events = replay(
      Endpoint.open(side).fromPeer(...frames),
      () => consumer(Endpoint.open(side)),
    );
    assert.deepEqual(events, [
      ["text", "text"],
      ["ping", hexOf("ping")],
      ["pong", hexOf("pong")],
      ["binary", hexOf("bytes")],
      ["text", ""],
    ]);
  });
}

function consumer(endpoint: Endpoint): Consumer<EventRecord> {
  return {
    events: endpoint.events,
    read: (bytes, start, end) => assert.equal(endpoint.session.receive(bytes, start, end), end),
  };
}

Deno.test("compresses messages in both directions if negotiated, unless the sender disables it", () => {
  const [client, server] = SIDES.map((side) =>
    Endpoint.open(side, { rsv1: true }, new RunLength())
  );
  client.session.sendText("aaaaaaaa");
  client.session.sendText("aaaaaaaa", false);
  client.session.sendBytes(Opcode.Binary, hex("07 07 07 07"));
  client.session.sendBytes(Opcode.Binary, hex("07 07 07 07"), false);
  client.session.sendControl(Opcode.Ping, hex("07 07 07 07"));
  const bytes = client.takeBytes();
  assert.deepEqual(parseFrames(bytes).map(({ rsv }) => rsv), [4, 0, 4, 0, 0]);
  server.session.receive(bytes);
  assert.deepEqual(server.events, [
    ["text", "aaaaaaaa"],
    ["text", "aaaaaaaa"],
    ["binary", "07070707"],
    ["binary", "07070707"],
    ["ping", "07070707"],
  ]);
});

Deno.test('delivers text as bytes if text is "bytes"', () => {
  const endpoint = Endpoint.open("server", { text: "bytes" });
  endpoint.receive({ opcode: TEXT, payload: "text" });
  assert.deepEqual(endpoint.events, [["utf8", hexOf("text")]]);
});

Deno.test("throws a RangeError for a ping or pong over 125 bytes and sends nothing", () => {
  const endpoint = Endpoint.open("client");
  for (const opcode of [Opcode.Ping, Opcode.Pong] as const) {
    assert.throws(() => endpoint.session.sendControl(opcode, new Uint8Array(126)), RangeError);
  }
  assert.equal(endpoint.waiting, 0);
});

Deno.test("answers every ping with its payload before it calls the ping handler", () => {
  const endpoint = Endpoint.open("server");
  const waiting: number[] = [];
  endpoint.onEvent = () => waiting.push(endpoint.waiting);
  const payloads = Array.from({ length: 10 }, (_, i) => "x".repeat(i * 13));
  endpoint.receive(...payloads.map((payload) => ({ opcode: PING, payload })));
  assert.deepEqual(endpoint.events, payloads.map((payload) => ["ping", hexOf(payload)]));
  assert.deepEqual(waiting[0], 2);
  assert.deepEqual(endpoint.takeSent(), payloads.map((payload) => [PONG, hexOf(payload)]));
});

Deno.test("answers a ping between the fragments of a message before the message is complete", () => {
  const endpoint = Endpoint.open("client");
  endpoint.receive({ fin: false, opcode: TEXT, payload: "a" }, { opcode: PING, payload: "p" });
  assert.deepEqual(endpoint.takeSent(), [[PONG, hexOf("p")]]);
});

Deno.test("does not answer pings with autoPong off, but delivers them", () => {
  const endpoint = Endpoint.open("server", { autoPong: false });
  endpoint.receive({ opcode: PING, payload: "p" });
  endpoint.congested = true;
  for (let i = 0; i < 100; i++) endpoint.receive({ opcode: PING, payload: "p" });
  endpoint.congested = false;
  endpoint.session.drained();
  assert.equal(endpoint.waiting, 0);
  assert.equal(endpoint.events.length, 101);
});

Deno.test("never answers pongs", () => {
  const endpoint = Endpoint.open("server");
  endpoint.receive({ opcode: PONG, payload: "unsolicited" }, { opcode: PONG });
  assert.equal(endpoint.waiting, 0);
});

Deno.test("answers a flood of pings from a peer that does not read with few pongs, the last for the latest ping", () => {
  const endpoint = Endpoint.open("server");
  endpoint.congested = true;
  for (let i = 0; i < 10_000; i++) endpoint.receive({ opcode: PING, payload: `ping ${i}` });
  assert.ok(endpoint.waiting <= 16 * 127, `${endpoint.waiting} bytes wait`);
  assert.equal(endpoint.events.length, 10_000);
  assert.deepEqual(endpoint.takeSent()[0], [PONG, hexOf("ping 0")]);

  endpoint.congested = false;
  endpoint.session.drained();
  assert.deepEqual(endpoint.takeSent(), [[PONG, hexOf("ping 9999")]]);
  endpoint.session.drained();
  assert.equal(endpoint.waiting, 0, "the pong is sent once");
  endpoint.receive({ opcode: PING, payload: "later" });
  assert.deepEqual(endpoint.takeSent(), [[PONG, hexOf("later")]]);
});

Deno.test("sends a held pong after the local Close frame", () => {
  // RFC 6455 5.5.2: pings must be answered until the peer's Close frame arrives.
  const endpoint = Endpoint.open("server");
  endpoint.congested = true;
  for (let i = 0; i < 20; i++) endpoint.receive({ opcode: PING, payload: `ping ${i}` });
  endpoint.session.close(1000, "");
  endpoint.takeBytes();
  endpoint.congested = false;
  endpoint.session.drained();
  assert.deepEqual(endpoint.takeSent(), [[PONG, hexOf("ping 19")]]);
});

Deno.test("does not send a held pong after the peer's Close frame", () => {
  const endpoint = Endpoint.open("server");
  endpoint.congested = true;
  for (let i = 0; i < 20; i++) endpoint.receive({ opcode: PING });
  endpoint.receiveClose(1000);
  endpoint.congested = false;
  endpoint.session.drained();
  assert.equal(endpoint.takeSent().at(-1)![0], CLOSE);
});

Deno.test("answers a ping after a local Close frame until the peer's Close frame arrives", () => {
  // RFC 6455 5.5.2: a pong must be sent "unless it already received a Close frame".
  const endpoint = Endpoint.open("client");
  endpoint.session.close(1000, "");
  endpoint.takeBytes();
  endpoint.receive({ opcode: PING, payload: "still there?" });
  assert.deepEqual(endpoint.takeSent(), [[PONG, hexOf("still there?")]]);
  endpoint.receiveClose(1000);
  endpoint.receive({ opcode: PING });
  assert.deepEqual(endpoint.takeSent(), []);
});

Deno.test("delivers no message after the peer's Close frame, in the same chunk or a later one", () => {
  for (const side of SIDES) {
    const endpoint = Endpoint.open(side);
    const chunk = endpoint.fromPeer(
      { opcode: TEXT, payload: "before" },
      { opcode: CLOSE, payload: closePayload(1000) },
      { opcode: TEXT, payload: "behind" },
      { opcode: PING },
      { rsv: 7, opcode: 15, payload: "invalid" },
    );
    assert.equal(endpoint.session.receive(chunk), chunk.length);
    const later = endpoint.fromPeer({ opcode: TEXT, payload: "later" });
    assert.equal(endpoint.session.receive(later), later.length);
    assert.deepEqual(endpoint.events, [["text", "before"]]);
    assert.deepEqual(endpoint.takeSent(), [sentClose(1000)]);
    endpoint.session.streamClosed();
    assert.equal(endpoint.endings[0].clean, true);
  }
});

Deno.test("delivers no message after a local close, not even from the current chunk", () => {
  for (const side of SIDES) {
    const endpoint = Endpoint.open(side);
    endpoint.onEvent = () => endpoint.session.close(1000, "enough");
    endpoint.receive(
      { opcode: TEXT, payload: "one" },
      { opcode: TEXT, payload: "two" },
      { fin: false, opcode: BINARY, payload: "three" },
      { opcode: CONTINUATION },
      { opcode: CLOSE, payload: closePayload(1000) },
    );
    assert.deepEqual(endpoint.events, [["text", "one"]]);
    endpoint.session.streamClosed();
    assert.equal(endpoint.endings[0].clean, true, "the peer's Close frame was seen");
  }
});

Deno.test("delivers no message after terminate or fail, not even from the same chunk", () => {
  const error = new InvalidPayloadError("INVALID_UTF8", "bad");
  const ends = [
    (endpoint: Endpoint) => endpoint.session.terminate(error),
    (endpoint: Endpoint) => endpoint.session.fail(error),
    (endpoint: Endpoint) => endpoint.session.streamClosed(),
  ];
  for (const end of ends) {
    const endpoint = Endpoint.open("server");
    endpoint.onEvent = () => end(endpoint);
    const chunk = endpoint.fromPeer({ opcode: TEXT, payload: "one" }, { opcode: TEXT }, {
      opcode: PING,
    });
    assert.equal(
      endpoint.session.receive(chunk),
      chunk.length,
      "the rest of the chunk is discarded",
    );
    assert.deepEqual(endpoint.events, [["text", "one"]]);
  }
});

Deno.test("a paused session returns after the current message and resumes there", () => {
  const endpoint = Endpoint.open("server");
  endpoint.onEvent = () => endpoint.session.pause();
  const one = endpoint.fromPeer({ opcode: TEXT, payload: "one" });
  const two = endpoint.fromPeer({ fin: false, opcode: TEXT, payload: "t" }, {
    opcode: CONTINUATION,
    payload: "wo",
  });
  const three = endpoint.fromPeer({ opcode: TEXT, payload: "three" });
  const chunk = concat(one, two, three.slice(0, 7));

  const first = endpoint.session.receive(chunk);
  assert.equal(first, one.length);
  assert.equal(endpoint.session.receive(chunk, first), first, "no input is read while paused");
  endpoint.session.resume();
  const second = endpoint.session.receive(chunk, first);
  assert.equal(second, one.length + two.length);
  endpoint.session.resume();
  assert.equal(endpoint.session.receive(chunk, second), chunk.length);
  endpoint.session.receive(three.slice(7));
  assert.deepEqual(endpoint.events, [["text", "one"], ["text", "two"], ["text", "three"]]);
});

Deno.test("a closing session continues reading after a pause, to receive the peer's Close frame", () => {
  const endpoint = Endpoint.open("server");
  endpoint.session.pause();
  endpoint.session.close(1000, "");
  endpoint.session.resume();
  endpoint.receiveClose(1000);
  endpoint.session.streamClosed();
  assert.equal(endpoint.endings[0].clean, true);
});

Deno.test("resuming does not reopen a session that has failed or received a Close frame", () => {
  const ends = [
    (endpoint: Endpoint) => endpoint.receiveClose(1000),
    (endpoint: Endpoint) => endpoint.receive({ opcode: 3 }),
    (endpoint: Endpoint) => endpoint.session.streamClosed(),
  ];
  for (const end of ends) {
    const endpoint = Endpoint.open("server");
    endpoint.session.pause();
    endpoint.session.resume();
    end(endpoint);
    endpoint.session.resume();
    endpoint.receive({ opcode: TEXT, payload: "later" }, { opcode: PING });
    assert.deepEqual(endpoint.events, []);
  }
});

Deno.test("the error reports a partial message at the end of the stream", () => {
  for (const [bytes, where] of [["", "without a Close frame"], ["81 85 00", "in the middle"]]) {
    const endpoint = Endpoint.open("server");
    endpoint.session.receive(hex(bytes));
    endpoint.session.receiveEnd();
    endpoint.session.streamClosed();
    assert.ok(endpoint.errors[0]!.message.includes(where));
  }
});

Deno.test("a partial message counts as memory as long as it can be completed", () => {
  const start = { opcode: BINARY, fin: false, payload: new Uint8Array(5000) };
  const ends = [
    (endpoint: Endpoint) => endpoint.receive({ opcode: CONTINUATION }),
    (endpoint: Endpoint) => endpoint.receiveClose(1000),
    (endpoint: Endpoint) => endpoint.receive({ opcode: 3 }),
    (endpoint: Endpoint) => endpoint.session.streamClosed(),
    (endpoint: Endpoint) => endpoint.session.terminate(failure()),
    (endpoint: Endpoint) => endpoint.session.fail(failure()),
  ];
  for (const end of ends) {
    const endpoint = Endpoint.open("server");
    assert.equal(endpoint.session.partialMessage, 0);
    endpoint.receive(start);
    assert.equal(endpoint.session.partialMessage, 1);
    assert.ok(endpoint.session.held >= 5000);
    end(endpoint);
    assert.equal(endpoint.session.held, 0);
    assert.equal(endpoint.session.partialMessage, 0);
  }
});
