// Streams that fail, connections that end during a message, and invalid arguments.

import assert from "node:assert/strict";
import { Opcode } from "../../src/wire/opcode.ts";
import { bothSides, nextMacrotask, socketTest } from "../support/socket_harness.ts";
import { type Chunk, generator, show, Source } from "../support/sources.ts";
import { CLOSE, closePayload, CONTINUATION, hex } from "../support/vectors.ts";

bothSides("a source that fails during a message closes with 1011 and rejects", async (_, open) => {
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

bothSides("a source that fails before its first chunk rejects, with no other effect", async (
  _,
  open,
) => {
  const { conn, peer } = await open();
  const source = new Source();
  const error = Object.create(null);
  const sending = assert.rejects(conn.sendStream(source.stream), (thrown) => thrown === error);
  await nextMacrotask();
  conn.send("waiting");
  await source.fail(error);
  await sending;
  conn.send("next");
  assert.deepEqual(show(await peer.framesOf(2)), ["1! waiting", "1! next"]);
});

bothSides("a source may throw any value", async (_, open) => {
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

bothSides("when the connection ends, sendStream resolves to false and cancels the source", async (
  _,
  open,
) => {
  const { conn, peer } = await open();
  const source = new Source();
  const sending = conn.sendStream(source.stream);
  await source.push("one");
  peer.transport.destroy();
  await conn.closed;
  assert.equal(await sending, false, "sendStream does not wait for the next chunk");
  await nextMacrotask();
  assert.equal(source.canceled, true);
});

bothSides("cancels a queued stream when the connection ends", async (
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
  await nextMacrotask();
  assert.deepEqual([first.canceled, second.canceled], [true, true]);
});

bothSides(
  "sendStream on a closed connection cancels the stream and resolves to false",
  async (_, open) => {
    const { conn } = await open();
    conn.terminate();
    await conn.closed;
    const source = new Source();
    await source.push("one");
    assert.equal(await conn.sendStream(source.stream), false);
    await nextMacrotask();
    assert.equal(source.canceled, true);
    assert.equal(await conn.sendStream(generator()), false);
  },
);

const WRONG: readonly [what: string, args: unknown[], message: RegExp][] = [
  ["no source", [undefined], /got undefined$/],
  ["a string", ["text"], /got "text"$/],
  ["a number", [7], /got 7$/],
  ["bytes", [hex("01")], /got an object$/],
  ["the opcode of a ping", [generator("x"), Opcode.Ping], /got 9$/],
  ["the opcode of a continuation", [generator("x"), 0], /got 0$/],
  ["the name of an opcode", [generator("x"), "text"], /got "text"$/],
  ["options of the wrong type", [generator("x"), undefined, true], /got true$/],
  [
    "an unknown option",
    [generator("x"), undefined, { level: 9 }],
    /^Unknown option "level"\. .* can have: compress$/,
  ],
  ["an option of the wrong type", [generator("x"), undefined, { compress: "no" }], /got "no"$/],
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

bothSides("a chunk of the wrong type rejects and cancels the source", async (
  _,
  open,
) => {
  const { conn, peer } = await open();
  const source = new Source();
  const failed = assert.rejects(conn.sendStream(source.stream), {
    name: "TypeError",
    message: /got 7$/,
  });
  await source.push("one", 7 as unknown as string);
  await failed;
  assert.equal(source.canceled, true);
  peer.transport.end();
  assert.equal((await conn.closed).code, 1011);
});

/** Sources of invalid UTF-8. */
const NOT_UTF8: readonly [what: string, chunks: Chunk[]][] = [
  ["are not UTF-8", [hex("61 ff")]],
  ["end inside a character", [hex("61 e2 82")]],
  ["are followed by a string inside a character", [hex("61 e2 82"), "b"]],
];

for (const [what, chunks] of NOT_UTF8) {
  bothSides(`bytes sent as text that ${what} fail the stream`, async (_, open) => {
    const { conn, peer } = await open();
    await assert.rejects(conn.sendStream(generator(...chunks), Opcode.Text), {
      name: "TypeError",
      message: /UTF-8/,
    });
    await nextMacrotask();
    assert.ok(!peer.frames.some(({ opcode, fin }) => opcode === CONTINUATION && fin));
    assert.ok(!peer.payloads.includes("b"));
  });
}

bothSides("replaces a lone surrogate at the end of a string with U+FFFD", async (_, open) => {
  const { conn, peer } = await open();
  await conn.sendStream(generator("a\ud83d", hex("62"), "c\ud83d"));
  const bytes = (await peer.framesOf(4)).flatMap(({ payload }) => [...payload]);
  assert.equal(new TextDecoder().decode(Uint8Array.from(bytes)), "a\ufffdbc\ufffd");
});

/** Sources that cannot be read. */
const UNREADABLE: readonly [what: string, source: () => AsyncIterable<Chunk>, message: RegExp][] = [
  ["a locked stream", () => {
    const { stream } = new Source();
    stream.getReader();
    return stream;
  }, /lock/],
  ["an iterable that throws immediately", () => ({
    [Symbol.asyncIterator](): never {
      throw new TypeError("not today");
    },
  }), /not today/],
  ["an iterator that throws immediately", () => ({
    [Symbol.asyncIterator]: () => ({
      next(): never {
        throw new TypeError("not today");
      },
    }),
  }), /not today/],
];

for (const [what, source, message] of UNREADABLE) {
  bothSides(`rejects ${what}, and later messages can be sent`, async (_, open) => {
    const { conn, peer } = await open();
    await assert.rejects(conn.sendStream(source()), { name: "TypeError", message });
    conn.send("next");
    await conn.sendStream(generator("stream"));
    assert.deepEqual(show(await peer.framesOf(3)), ["1! next", "1 stream", "0!"]);
  });
}

bothSides(
  "an async iterator may return results without promises, as for await allows",
  async (_, open) => {
    const { conn, peer } = await open();
    const chunks = ["one", "two"];
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: () => ({ done: chunks.length === 0, value: chunks.shift() }),
      }),
    } as unknown as AsyncIterable<Chunk>;
    assert.equal(await conn.sendStream(source), true);
    assert.deepEqual(show(await peer.framesOf(3)), ["1 one", "0 two", "0!"]);
  },
);

bothSides("an error in cancel does not hide the original error", async (_, open) => {
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
