// Streams on connections with compression: each fragment is compressed when its chunk arrives, and
// the contexts of both sides stay in sync.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { constants, inflateRawSync } from "node:zlib";
import { ContextMemories, MemoryGovernor } from "../../src/message/memory_governor.ts";
import type { CompressionOptions } from "../../src/connection/compression_options.ts";
import type { Message } from "../../src/connection/connection_driver.ts";
import { prepareMessage } from "../../src/connection/arguments.ts";
import { Opcode } from "../../src/wire/opcode.ts";
import { RSV1 } from "../support/deflated.ts";
import { Random } from "../support/random.ts";
import { upgradeRequest } from "../support/raw_peer.ts";
import {
  type CommonOptions,
  type Harness,
  nextMacrotask,
  type Side,
  socketTest,
} from "../support/socket_harness.ts";
import { type Chunk, generator, Source } from "../support/sources.ts";
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  hex,
  TEXT,
  utf8,
  type WireFrame,
} from "../support/vectors.ts";

const LINE = "All work and no play makes Jack a dull boy. ";
const LONG = LINE.repeat(12);

const TAKEOVER: CompressionOptions = { serverContextTakeover: true, clientContextTakeover: true };
const MODES: readonly [name: string, compression: CompressionOptions][] = [
  ["without takeover", {}],
  ["with takeover", TAKEOVER],
];

/** Opens one side of a connection with compression. The test drives the other side. */
async function open(
  t: Harness,
  side: "server" | "client",
  compression: CompressionOptions,
  options: CommonOptions = {},
): Promise<Side> {
  if (side === "client") {
    const alone = "; server_no_context_takeover; client_no_context_takeover";
    const answer = `permessage-deflate${compression.serverContextTakeover ? "" : alone}`;
    const line = `Sec-WebSocket-Extensions: ${answer}`;
    return t.openClient({ ...options, compression }, hex(""), [line]);
  }
  const server = await t.serve({ ...options, compression });
  const peer = t.rawClient(server);
  peer.send(upgradeRequest(["Sec-WebSocket-Extensions: permessage-deflate"]));
  assert.equal((await peer.answer()).status, 101);
  return { conn: [...server.clients()][0], peer, transport: peer.transport.peer };
}

/** Registers a test for each side and mode. */
function streamTest(name: string, test: (side: Side) => Promise<void>): void {
  for (const side of ["server", "client"] as const) {
    for (const [mode, compression] of MODES) {
      socketTest(`${name}, ${mode} (${side})`, async (t) => {
        const before = ContextMemories.ofProcess.byteLength;
        const opened = await open(t, side, compression);
        await test(opened);
        opened.conn.terminate();
        await opened.conn.closed;
        assert.equal(
          ContextMemories.ofProcess.byteLength,
          before,
          "no compression context is counted after the close",
        );
      });
    }
  }
}

/**
 * Decompresses the messages of frames with zlib, as one stream. A decoder with context takeover
 * also decodes messages compressed without it.
 */
function messagesOf(frames: readonly WireFrame[]): string[] {
  const messages: string[] = [];
  let stream = Buffer.alloc(0);
  let known = 0;
  let compressed = false;
  let fragments: Uint8Array[] = [];
  for (const { opcode, rsv, fin, payload } of frames) {
    if (opcode === CONTINUATION) assert.equal(rsv, 0, "RSV1 is set on the first fragment only");
    else compressed = rsv === RSV1;
    fragments.push(payload);
    if (!fin) continue;
    let message = Buffer.concat(fragments);
    fragments = [];
    if (compressed) {
      stream = Buffer.concat([stream, message, hex("00 00 ff ff")]);
      const all = inflateRawSync(stream, { finishFlush: constants.Z_SYNC_FLUSH });
      message = all.subarray(known);
      known = all.length;
    }
    messages.push(message.toString());
  }
  return messages;
}

streamTest("sends the chunks of a stream as one compressed message", async ({ conn, peer }) => {
  for (const _ of [1, 2]) {
    assert.equal(await conn.sendStream(generator(LONG, LONG, "short")), true);
    await conn.sendStream(generator(utf8(LONG)), Opcode.Text);
    conn.send(LONG);
  }
  const frames = await peer.framesOf(14);
  assert.deepEqual(
    frames.slice(0, 7).map(({ opcode, rsv, fin }) => [opcode, rsv, fin]),
    [
      [TEXT, RSV1, false],
      [CONTINUATION, 0, false],
      [CONTINUATION, 0, false],
      [CONTINUATION, 0, true],
      [TEXT, RSV1, false],
      [CONTINUATION, 0, true],
      [TEXT, RSV1, true],
    ],
  );
  for (const { payload } of frames) assert.ok(payload.length < LONG.length / 4);
  const messages = [`${LONG}${LONG}short`, LONG, LONG];
  assert.deepEqual(messagesOf(frames), [...messages, ...messages]);
});

streamTest(
  "sends each fragment when its chunk arrives, and the peer can decompress it immediately",
  async ({ conn, peer }) => {
    const source = new Source();
    const sending = conn.sendStream(source.stream);
    let stream = Buffer.alloc(0);
    for (const [index, text] of [LONG, "a few words", LONG].entries()) {
      await source.push(text);
      const { payload } = (await peer.framesOf(index + 1))[index];
      stream = Buffer.concat([stream, payload]);
      const read = inflateRawSync(stream, { finishFlush: constants.Z_SYNC_FLUSH });
      assert.ok(read.toString().endsWith(text));
    }
    await source.end();
    assert.equal(await sending, true);
  },
);

streamTest("compress false sends uncompressed fragments", async ({ conn, peer }) => {
  conn.send(LONG);
  await conn.sendStream(generator(LONG, LONG), undefined, { compress: false });
  await conn.sendStream(generator(LONG), Opcode.Text, { compress: true });
  conn.send(LONG);
  const frames = await peer.framesOf(7);
  assert.deepEqual(frames.map(({ rsv }) => rsv), [RSV1, 0, 0, 0, RSV1, 0, RSV1]);
  assert.deepEqual(frames.slice(1, 4).map(({ payload }) => payload.length), [528, 528, 0]);
  assert.deepEqual(messagesOf(frames), [LONG, LONG + LONG, LONG, LONG]);
});

streamTest("sends an empty stream as an empty uncompressed message", async ({ conn, peer }) => {
  await conn.sendStream(generator());
  await conn.sendStream(generator(), Opcode.Text);
  const frames = await peer.framesOf(2);
  assert.deepEqual(
    frames.map(({ opcode, rsv, fin, payload }) => [opcode, rsv, fin, payload.length]),
    [
      [BINARY, 0, true, 0],
      [TEXT, 0, true, 0],
    ],
  );
});

streamTest(
  "streams empty chunks, split characters and incompressible data",
  async ({ conn, peer }) => {
    const noise = new Random(5).bytes(70_000);
    const ascii = Uint8Array.from(noise, (byte) => byte & 0x7f);
    const messages: [Chunk[], string][] = [
      [["", ""], ""],
      [["", LONG, "", LONG, ""], LONG + LONG],
      [["a\ud83d", "\ude00b", "c\ud83d"], "a\u{1f600}bc\ufffd"],
      [[LONG, ascii, LONG], LONG + new TextDecoder().decode(ascii) + LONG],
      [[utf8("\u20ac").slice(0, 1), utf8("\u20ac").slice(1)], "\u20ac"],
    ];
    let frames = 0;
    for (const [chunks] of messages) {
      await conn.sendStream(generator(...chunks), Opcode.Text);
      frames += chunks.length + 1;
    }
    await nextMacrotask();
    assert.ok(peer.frames.length >= frames);
    assert.deepEqual(messagesOf(peer.frames), messages.map(([, text]) => text));
  },
);

streamTest("compresses messages sent during a stream after it, with the same context", async ({
  conn,
  peer,
}) => {
  const prepared = prepareMessage(`${LONG}prepared`);
  conn.send(LONG);
  const source = new Source();
  const sending = conn.sendStream(source.stream);
  await source.push(`${LONG}1`);
  conn.send(`${LONG}after`);
  conn.send(`${LONG}plain`, { compress: false });
  conn.sendPrepared(prepared);
  conn.sendDelayed(`${LONG}delayed`);
  const second = conn.sendStream(generator(`${LONG}stream`));
  conn.ping("p");
  await source.push(`${LONG}2`);
  await source.end();
  assert.deepEqual([await sending, await second], [true, true]);
  conn.send(`${LONG}end`);
  await nextMacrotask();
  assert.deepEqual(messagesOf(peer.frames.filter(({ opcode }) => opcode <= BINARY)), [
    LONG,
    `${LONG}1${LONG}2`,
    ...["after", "plain", "prepared", "delayed", "stream", "end"].map((end) => LONG + end),
  ]);
});

streamTest(
  "a failing source leaves a partial message and a Close frame",
  async ({ conn, peer }) => {
    const source = new Source();
    const error = new Error("no more");
    const sending = assert.rejects(conn.sendStream(source.stream), (thrown) => thrown === error);
    await source.push(LONG);
    conn.send("held");
    await source.fail(error);
    await sending;
    const frames = await peer.framesOf(2);
    assert.deepEqual(frames.map(({ opcode, fin }) => [opcode, fin]), [[TEXT, false], [
      CLOSE,
      true,
    ]]);
    peer.transport.end();
    await conn.closed;
  },
);

streamTest(
  "a source that fails before its first chunk has no effect on later messages",
  async ({ conn, peer }) => {
    conn.send(LONG);
    const source = new Source();
    const failed = assert.rejects(conn.sendStream(source.stream));
    await source.fail(new Error("nothing"));
    await failed;
    await conn.sendStream(generator(LONG));
    const frames = await peer.framesOf(3);
    assert.deepEqual(messagesOf(frames), [LONG, LONG]);
  },
);

socketTest("compress false in the connection options applies to streams", async (t) => {
  for (const side of ["server", "client"] as const) {
    const { conn, peer } = await open(t, side, { compress: false });
    await conn.sendStream(generator(LONG));
    assert.equal((await peer.framesOf(2))[0].rsv, 0);
  }
});

socketTest(
  "dropping contexts between two fragments does not corrupt the stream",
  async (t) => {
    const received: Message[] = [];
    // The limit allows one encoder, but not one per connection.
    const memoryLimit = MemoryGovernor.ofProcess.byteLength + 16_000;
    for (const takeover of [{}, TAKEOVER]) {
      const options = { compression: takeover, memoryLimit };
      const server = await t.serve({ ...options, message: (_, data) => void received.push(data) });
      const sources = [new Source(), new Source(), new Source()];
      const sending = [];
      for (const source of sources) {
        const conn = await t.connect(server.url, options);
        assert.match(conn.extensions, /^permessage-deflate/);
        sending.push(conn.sendStream(source.stream));
      }
      for (let round = 0; round < 20; round++) {
        for (const [i, source] of sources.entries()) await source.push(`${LINE}${i} ${round}. `);
      }
      for (const source of sources) await source.end();
      assert.deepEqual(await Promise.all(sending), [true, true, true]);
      await nextMacrotask();
      const expected = sources.map((_, i) =>
        Array.from({ length: 20 }, (_, round) => `${LINE}${i} ${round}. `).join("")
      );
      assert.deepEqual(received.splice(0).sort(), expected);
    }
  },
);

socketTest("a stream releases the memory of sent data", async (t) => {
  const { conn, peer, transport } = await open(t, "server", TAKEOVER);
  const before = ContextMemories.ofProcess.byteLength;
  async function* chunks(): AsyncGenerator<Chunk> {
    for (let i = 0; i < 200; i++) {
      assert.ok(ContextMemories.ofProcess.byteLength - before <= 8192);
      assert.ok(conn.bufferedAmount < 50_000);
      // Buffered output is written before the next macrotask.
      await nextMacrotask();
      transport.writes.length = 0;
      peer.bytes = new Uint8Array(0);
      yield LONG.repeat(100);
    }
  }
  assert.equal(await conn.sendStream(chunks()), true);
});
