import assert from "node:assert/strict";
import { Opcode } from "../../src/wire/opcode.ts";
import { Endpoint, type EventRecord } from "../support/endpoint.ts";
import { Random } from "../support/random.ts";
import { toHex } from "../support/vectors.ts";

/** Sizes around every change of the header size, and some between them. */
const SIZES = [0, 1, 2, 124, 125, 126, 127, 255, 256, 1000, 8191, 8192, 65535, 65536, 70000];

const CHARACTERS = ["a", "Z", " ", "\u0000", "\u00e9", "\u20ac", "\ufeff", "\uffff", "\u{1f600}"];

/** Sends a random item. Returns the events that the peer must report, in order. */
function sendSomething(random: Random, sender: Endpoint): EventRecord[] {
  const size = random.below(3) === 0 ? random.pick(SIZES) : random.below(300);
  const kind = random.pick(["text", "binary", "fragments", "ping", "pong"] as const);
  if (kind === "text") {
    const text = Array.from({ length: size >> 2 }, () => random.pick(CHARACTERS)).join("");
    assert.ok(sender.session.sendText(text));
    return [["text", text]];
  }
  if (kind === "fragments") return sendFragments(random, sender, random.bytes(size));
  const bytes = random.bytes(kind === "binary" ? size : size % 126);
  if (kind === "binary") assert.ok(sender.session.sendBytes(Opcode.Binary, bytes));
  else assert.ok(sender.session.sendControl(kind === "ping" ? Opcode.Ping : Opcode.Pong, bytes));
  return [[kind, toHex(bytes)]];
}

/** Sends a message in fragments with pings in between. */
function sendFragments(random: Random, sender: Endpoint, bytes: Uint8Array): EventRecord[] {
  const events: EventRecord[] = [];
  const count = 1 + random.below(5);
  for (let i = 0; i < count; i++) {
    const part = bytes.slice(i * bytes.length / count, (i + 1) * bytes.length / count);
    const opcode = i === 0 ? Opcode.Binary : Opcode.Continuation;
    assert.ok(sender.session.sendFragment(opcode, i === count - 1, part));
    if (i < count - 1) {
      assert.ok(sender.session.sendControl(Opcode.Ping, Uint8Array.of(i)));
      events.push(["ping", toHex(Uint8Array.of(i))]);
    }
  }
  return [...events, ["binary", toHex(bytes)]];
}

/** Transfers output from one side to the other in chunks of random sizes. */
function transfer(random: Random, from: Endpoint, to: Endpoint): void {
  const bytes = from.takeBytes();
  const most = random.pick([1, 7, 300, 100_000]);
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + 1 + random.below(most));
    assert.equal(to.session.receive(bytes.slice(at, end)), end - at);
    at = end;
  }
}

Deno.test("a client and a server receive each other's messages for any chunk split", () => {
  const random = new Random(1009);
  const client = Endpoint.open("client");
  const server = Endpoint.open("server");
  const pairs = [[client, server], [server, client]] as const;
  const expected = new Map<Endpoint, EventRecord[]>([[client, []], [server, []]]);
  for (let round = 0; round < 60; round++) {
    for (const [from, to] of pairs) {
      for (let i = random.below(5); i > 0; i--) {
        expected.get(to)!.push(...sendSomething(random, from));
      }
    }
    const [from, to] = random.pick(pairs);
    transfer(random, from, to);
  }
  // Twice, because each side answers pings.
  for (const [from, to] of [...pairs, ...pairs]) transfer(random, from, to);

  for (const [from, to] of pairs) {
    const pingsSent = expected.get(to)!.filter(([kind]) => kind === "ping");
    const pongs = expected.get(from)!.filter(([kind]) => kind === "pong");
    const receivedPongs = from.events.filter(([kind]) => kind === "pong");
    assert.ok(pingsSent.length > 10);
    // The peer's unsolicited pongs and its answers are interleaved. All must arrive, and no others.
    assert.deepEqual(
      receivedPongs.map(([, payload]) => payload).sort(),
      [...pongs, ...pingsSent].map(([, payload]) => payload).sort(),
    );
    const others = (events: readonly EventRecord[]) => events.filter(([kind]) => kind !== "pong");
    assert.deepEqual(others(to.events), others(expected.get(to)!));
  }

  client.session.close(4321, "done \u20ac");
  transfer(random, client, server);
  transfer(random, server, client);
  server.session.streamClosed();
  client.session.receiveEnd();
  client.session.streamClosed();
  const ending = { code: 4321, clean: true, sent: 4321, received: 4321, error: undefined };
  assert.deepEqual(server.endings, [{ ...ending, reason: "done \u20ac", initiator: "remote" }]);
  assert.deepEqual(client.endings, [{ ...ending, reason: "", initiator: "local" }]);
});

Deno.test("on a simultaneous close, each side takes the peer's Close frame as the answer", () => {
  const random = new Random(1000);
  const client = Endpoint.open("client");
  const server = Endpoint.open("server");
  client.session.close(4001, "from the client");
  server.session.close(4002, "from the server");
  transfer(random, client, server);
  transfer(random, server, client);
  assert.equal(client.waiting + server.waiting, 0, "neither sends a second Close frame");
  client.session.streamClosed();
  server.session.streamClosed();
  const ending = { clean: true, initiator: "local", error: undefined } as const;
  assert.deepEqual(client.endings, [
    { ...ending, code: 4002, reason: "from the server", sent: 4001, received: 4002 },
  ]);
  assert.deepEqual(server.endings, [
    { ...ending, code: 4001, reason: "from the client", sent: 4002, received: 4001 },
  ]);
});

Deno.test("a message is unchanged after two hundred echoes", () => {
  const client = Endpoint.open("client");
  const server = Endpoint.open("server");
  const random = new Random(97);
  server.onEvent = ([kind, data]) => {
    if (kind === "text") server.session.sendText(data);
  };
  const payload = "h\u00e9llo \u{1f600}".repeat(20);
  for (let i = 0; i < 200; i++) {
    client.session.sendText(payload);
    transfer(random, client, server);
    transfer(random, server, client);
  }
  assert.equal(client.events.length, 200);
  assert.ok(client.events.every(([kind, text]) => kind === "text" && text === payload));
});
