// One message sent in fragments, from a stream.

import assert from "node:assert/strict";
import { Opcode } from "../../src/wire/opcode.ts";
import { bothSides, type CommonOptions, quiet, socketTest } from "../support/socket_harness.ts";
import type { WireFrame } from "../support/vectors.ts";
import {
  BINARY,
  CLOSE,
  closePayload,
  CONTINUATION,
  hex,
  PING,
  PONG,
  TEXT,
  toHex,
} from "../support/vectors.ts";

type Chunk = string | Uint8Array;

/** Frames as opcode, FIN and payload. */
function show(frames: readonly WireFrame[]): string[] {
  return frames.map(({ opcode, fin, payload }) =>
    `${opcode}${fin ? "!" : ""} ${new TextDecoder().decode(payload)}`.trimEnd()
  );
}

/** The payload of the message that fragments make up. */
function joined(frames: readonly WireFrame[]): string {
  return frames.map(({ payload }) => toHex(payload)).join("");
}

/** A stream whose chunks are handed in one by one. */
class Source {
  readonly stream: ReadableStream<Chunk>;
  cancelled = false;
  #controller!: ReadableStreamDefaultController<Chunk>;

  constructor() {
    this.stream = new ReadableStream<Chunk>({
      start: (controller) => void (this.#controller = controller),
      cancel: () => void (this.cancelled = true),
    });
  }

  async push(...chunks: Chunk[]): Promise<void> {
    for (const chunk of chunks) this.#controller.enqueue(chunk);
    await quiet();
  }

  async end(): Promise<void> {
    this.#controller.close();
    await quiet();
  }

  async fail(error: unknown): Promise<void> {
    this.#controller.error(error);
    await quiet();
  }
}

async function* generator(...chunks: Chunk[]): AsyncGenerator<Chunk> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

bothSides("chunks become fragments of one message, bytes by default binary", async (_, open) => {
  const { conn, peer } = await open();
  assert.equal(await conn.sendStream(generator(hex("01 02"), hex("03"))), true);
  const frames = await peer.framesOf(3);
  assert.deepEqual(frames.map(({ opcode, fin }) => [opcode, fin]), [
    [BINARY, false],
    [CONTINUATION, false],
    [CONTINUATION, true],
  ]);
  assert.equal(joined(frames), "010203");
});

bothSides("chunks of text become a text message", async (_, open) => {
  const { conn, peer } = await open();
  await conn.sendStream(generator("caf\u00e9 ", "\u20ac"));
  assert.deepEqual(show(await peer.framesOf(3)), ["1 caf\u00e9", "0 \u20ac", "0!"]);
});

bothSides("the opcode can be given, and the chunks may be bytes of text", async (_, open) => {
  const { conn, peer } = await open();
  const euro = hex("e2 82 ac");
  // A character may be cut in two between chunks.
  await conn.sendStream(generator(euro.slice(0, 1), euro.slice(1), "!"), Opcode.Text);
  await conn.sendStream(generator("text as bytes"), Opcode.Binary);
  await conn.sendStream(generator(), Opcode.Text);
  const frames = await peer.framesOf(7);
  assert.deepEqual(
    frames.map(({ opcode }) => opcode),
    [TEXT, 0, 0, 0, BINARY, 0, TEXT],
  );
  assert.equal(joined(frames.slice(0, 4)), "e282ac21");
});

bothSides("a text in chunks keeps its characters, wherever it is cut", async (_, open) => {
  const { conn, peer } = await open();
  const text = "a\u{1f600}b\u20acc";
  await conn.sendStream(generator(...text.split("")));
  const bytes = Uint8Array.from(
    (await peer.framesOf(text.length + 1)).flatMap((f) => [...f.payload]),
  );
  assert.equal(new TextDecoder().decode(bytes), text);
});

bothSides("an empty source is an empty binary message", async (_, open) => {
  const { conn, peer } = await open();
  assert.equal(await conn.sendStream(generator()), true);
  assert.deepEqual(show(await peer.framesOf(1)), ["2!"]);
});

socketTest("our own other side reads a stream as one message", async (t) => {
  const { near, far } = await t.pair();
  await near.sendStream(new Blob(["a large ", "file"]).stream());
  const { value } = await far[Symbol.asyncIterator]().next();
  assert.equal(new TextDecoder().decode(value as Uint8Array), "a large file");
});

bothSides("what is sent meanwhile waits and follows in its order", async (_, open) => {
  const { conn, peer } = await open();
  const source = new Source();
  const sending = conn.sendStream(source.stream);
  await source.push("one ");
  assert.equal(conn.send("after 1"), true);
  assert.equal(conn.sendDelayed("after 2"), true);
  assert.equal(conn.sendText(hex("61 33")), true);
  assert.ok(conn.bufferedAmount >= 14, "what waits counts");
  await source.push("two");
  await source.end();
  assert.equal(await sending, true);
  conn.send("after 4");
  assert.deepEqual(show(await peer.framesOf(7)), [
    "1 one",
    "0 two",
    "0!",
    "1! after 1",
    "1! after 2",
    "1! a3",
    "1! after 4",
  ]);
});

bothSides("control frames pass in between (RFC 6455 5.4)", async (_, open) => {
  const { conn, peer } = await open();
  const source = new Source();
  const sending = conn.sendStream(source.stream);
  await source.push("one");
  conn.ping("p");
  peer.send({ opcode: PING, payload: "q" });
  await quiet();
  await source.push("two");
  await source.end();
  await sending;
  assert.deepEqual(show(await peer.framesOf(5)), [
    "1 one",
    `${PING}! p`,
    `${PONG}! q`,
    "0 two",
    "0!",
  ]);
});

bothSides("two streams at once go out one after the other", async (_, open) => {
  const { conn, peer } = await open();
  const [first, second] = [new Source(), new Source()];
  const sending = [conn.sendStream(first.stream), conn.sendStream(second.stream)];
  await second.push("B1");
  await first.push("A1");
  conn.send("C");
  await second.push("B2");
  await second.end();
  await first.push("A2");
  await first.end();
  assert.deepEqual(await Promise.all(sending), [true, true]);
  assert.deepEqual(show(await peer.framesOf(7)), [
    "1 A1",
    "0 A2",
    "0!",
    "1 B1",
    "0 B2",
    "0!",
    "1! C",
  ]);
});

bothSides("a source is read no faster than the peer takes it", async (_, open) => {
  const { conn, peer, transport } = await open({ highWaterMark: 5000 });
  let pulled = 0;
  const source = (async function* () {
    while (pulled < 100) {
      pulled++;
      yield await Promise.resolve(new Uint8Array(1000));
    }
  })();
  transport.blocked = true;
  const sending = conn.sendStream(source);
  await quiet();
  assert.ok(pulled < 8, `${pulled} chunks were pulled`);
  conn.send("waits behind it");
  peer.transport.capacity = 0;
  transport.unblock();
  assert.equal(await sending, true);
  await peer.framesOf(102);
});

bothSides("messages that wait behind a stream count for send and drained()", async (_, open) => {
  const { conn } = await open({ highWaterMark: 5000 });
  const source = new Source();
  const sending = conn.sendStream(source.stream);
  await source.push("one");
  while (conn.send(new Uint8Array(1000)));
  let drained = false;
  const waiting = conn.drained().then(() => drained = true);
  await quiet();
  assert.equal(drained, false, "as much waits as before");
  // The stream itself must not wait for those that wait for it.
  await source.push("two", "three");
  await source.end();
  assert.equal(await sending, true);
  await waiting;
});

bothSides("messages that pile up behind a stream cut the connection, too", async (_, open) => {
  const { conn } = await open({ highWaterMark: 5000, maxBufferedAmount: 10_000 } as CommonOptions);
  const source = new Source();
  const sending = conn.sendStream(source.stream);
  await source.push("one");
  for (let i = 0; i < 20; i++) conn.send(new Uint8Array(1000));
  assert.equal((await conn.closed).code, 1008);
  await source.push("two");
  assert.equal(await sending, false);
});

bothSides("a source that fails in the middle closes with 1011 and rejects", async (_, open) => {
  const { conn, peer } = await open();
  const source = new Source();
  const error = new Error("disk password: 1234");
  const sending = assert.rejects(conn.sendStream(source.stream), (thrown) => thrown === error);
  await source.push("one");
  await source.fail(error);
  await sending;
  peer.transport.end();
  const info = await conn.closed;
  assert.deepEqual([info.code, info.clean, info.initiator], [1011, false, "local"]);
  assert.equal((info.error as { code?: string }).code, "SOURCE_FAILED");
  assert.equal(info.error!.cause, error);
  const close = peer.frames.at(-1)!;
  assert.equal(close.opcode, CLOSE);
  assert.deepEqual(close.payload.slice(0, 2), closePayload(1011));
  assert.doesNotMatch(new TextDecoder().decode(close.payload), /1234/);
});

bothSides("a source that fails before its first chunk rejects and spoils nothing", async (
  _,
  open,
) => {
  const { conn, peer } = await open();
  const source = new Source();
  const error = Object.create(null);
  const sending = assert.rejects(conn.sendStream(source.stream), (thrown) => thrown === error);
  await quiet();
  conn.send("waiting");
  await source.fail(error);
  await sending;
  conn.send("next");
  assert.deepEqual(show(await peer.framesOf(2)), ["1! waiting", "1! next"]);
});

bothSides("what a source throws may be anything", async (_, open) => {
  const { conn, peer } = await open();
  const thrown = Object.create(null);
  const failing = (async function* () {
    yield await Promise.resolve("one");
    throw thrown;
  })();
  await assert.rejects(conn.sendStream(failing), (error) => error === thrown);
  peer.transport.end();
  assert.equal((await conn.closed).error!.cause, thrown);
});

bothSides("the end of the connection ends the sending: false, and the source is cancelled", async (
  _,
  open,
) => {
  const { conn, peer } = await open();
  const source = new Source();
  const sending = conn.sendStream(source.stream);
  await source.push("one");
  peer.transport.destroy();
  await conn.closed;
  assert.equal(await sending, false, "without waiting for a chunk that may never come");
  await quiet();
  assert.equal(source.cancelled, true);
});

bothSides("a stream that waits for its turn is cancelled with the connection as well", async (
  _,
  open,
) => {
  const { conn } = await open();
  const [first, second] = [new Source(), new Source()];
  const sending = [conn.sendStream(first.stream), conn.sendStream(second.stream)];
  await first.push("one");
  conn.terminate();
  await conn.closed;
  assert.deepEqual(await Promise.all(sending), [false, false]);
  await quiet();
  assert.deepEqual([first.cancelled, second.cancelled], [true, true]);
});

bothSides("a stream on a connection that is over is cancelled: false", async (_, open) => {
  const { conn } = await open();
  conn.terminate();
  await conn.closed;
  const source = new Source();
  await source.push("one");
  assert.equal(await conn.sendStream(source.stream), false);
  await quiet();
  assert.equal(source.cancelled, true);
  assert.equal(await conn.sendStream(generator()), false);
});

const WRONG: readonly [what: string, args: unknown[], message: RegExp][] = [
  ["no source", [undefined], /got undefined$/],
  ["a string", ["text"], /got "text"$/],
  ["a number", [7], /got 7$/],
  ["bytes", [hex("01")], /got an object$/],
  ["the opcode of a ping", [generator("x"), Opcode.Ping], /got 9$/],
  ["the opcode of a continuation", [generator("x"), 0], /got 0$/],
  ["an opcode by its name", [generator("x"), "text"], /got "text"$/],
];

for (const [what, args, message] of WRONG) {
  socketTest(`sendStream rejects ${what} with a TypeError that shows it`, async (t) => {
    const { conn, peer } = await t.accept();
    const send = async (): Promise<boolean> =>
      await conn.sendStream(...args as [ReadableStream<Chunk>]);
    await assert.rejects(send, { name: "TypeError", message });
    assert.equal(conn.readyState, "open");
    conn.send("next");
    assert.deepEqual(show(await peer.framesOf(1)), ["1! next"]);
  });
}

bothSides("a chunk of a wrong type is a source that fails", async (_, open) => {
  const { conn, peer } = await open();
  const source = generator("one", 7 as unknown as string);
  await assert.rejects(conn.sendStream(source), { name: "TypeError", message: /got 7$/ });
  peer.transport.end();
  assert.equal((await conn.closed).code, 1011);
});

/** Sources of text that are none, and what of them is sent at most. */
const NOT_UTF8: readonly [what: string, chunks: Chunk[]][] = [
  ["are not UTF-8", [hex("61 ff")]],
  ["end inside of a character", [hex("61 e2 82")]],
  ["are followed by a string inside of a character", [hex("61 e2 82"), "b"]],
];

for (const [what, chunks] of NOT_UTF8) {
  bothSides(`bytes sent as text that ${what} are a source that fails`, async (_, open) => {
    const { conn, peer } = await open();
    await assert.rejects(conn.sendStream(generator(...chunks), Opcode.Text), {
      name: "TypeError",
      message: /UTF-8/,
    });
    await quiet();
    assert.ok(!peer.frames.some(({ opcode, fin }) => opcode === CONTINUATION && fin));
    assert.ok(!peer.payloads.includes("b"));
  });
}

bothSides("half a character at the end of a string is U+FFFD, in its place", async (_, open) => {
  const { conn, peer } = await open();
  await conn.sendStream(generator("a\ud83d", hex("62"), "c\ud83d"));
  const bytes = (await peer.framesOf(4)).flatMap(({ payload }) => [...payload]);
  assert.equal(new TextDecoder().decode(Uint8Array.from(bytes)), "a\ufffdbc\ufffd");
});

/** Sources that cannot even be begun. */
const UNREADABLE: readonly [what: string, source: () => AsyncIterable<Chunk>, message: RegExp][] = [
  ["a stream that somebody else reads", () => {
    const { stream } = new Source();
    stream.getReader();
    return stream;
  }, /lock/],
  ["an iterable that fails at once", () => ({
    [Symbol.asyncIterator](): never {
      throw new TypeError("not today");
    },
  }), /not today/],
  ["an iterator that fails at once", () => ({
    [Symbol.asyncIterator]: () => ({
      next(): never {
        throw new TypeError("not today");
      },
    }),
  }), /not today/],
];

for (const [what, source, message] of UNREADABLE) {
  bothSides(`${what} rejects, and others can send`, async (_, open) => {
    const { conn, peer } = await open();
    await assert.rejects(conn.sendStream(source()), { name: "TypeError", message });
    conn.send("next");
    await conn.sendStream(generator("stream"));
    assert.deepEqual(show(await peer.framesOf(3)), ["1! next", "1 stream", "0!"]);
  });
}

bothSides("an iterator may answer without promises, as for await lets it", async (_, open) => {
  const { conn, peer } = await open();
  const chunks = ["one", "two"];
  const source = {
    [Symbol.asyncIterator]: () => ({
      next: () => ({ done: chunks.length === 0, value: chunks.shift() }),
    }),
  } as unknown as AsyncIterable<Chunk>;
  assert.equal(await conn.sendStream(source), true);
  assert.deepEqual(show(await peer.framesOf(3)), ["1 one", "0 two", "0!"]);
});

bothSides("a source that cannot be cancelled does not hide why it should be", async (_, open) => {
  const { conn, peer } = await open();
  const error = new Error("the first");
  const chunks = ["one"];
  const source = {
    [Symbol.asyncIterator]: () => ({
      next: () =>
        chunks.length > 0
          ? Promise.resolve({ done: false as const, value: chunks.shift()! })
          : Promise.reject(error),
      return: () => {
        throw new Error("the second");
      },
    }),
  };
  await assert.rejects(conn.sendStream(source), (thrown) => thrown === error);
  peer.transport.end();
  assert.equal((await conn.closed).error!.cause, error);
});
