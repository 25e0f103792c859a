// Compression on a connection: compressed messages, invalid input, sharing between connections, and
// memory release.

import assert from "node:assert/strict";
import { ContextMemories, MemoryGovernor } from "../../src/message/memory_governor.ts";
import type { CompressionOptions } from "../../src/connection/compression_options.ts";
import { prepareMessage } from "../../src/connection/arguments.ts";
import { allocationsOf } from "../support/allocations.ts";
import { bomb } from "../support/bomb.ts";
import { compressed, compressedWithTakeover, inflated, RSV1 } from "../support/deflated.ts";
import { upgradeRequest } from "../support/raw_peer.ts";
import {
  type CommonOptions,
  type Harness,
  nextMacrotask,
  type Side,
  socketTest,
} from "../support/socket_harness.ts";
import {
  BINARY,
  CLOSE,
  closePayload,
  CONTINUATION,
  type FrameParts,
  hex,
  TEXT,
  utf8,
  type WireFrame,
} from "../support/vectors.ts";
import { Random } from "../support/random.ts";

const LONG = "All work and no play makes Jack a dull boy. ".repeat(12);

const TAKEOVER: CompressionOptions = { serverContextTakeover: true, clientContextTakeover: true };

type Options = CommonOptions & { compression: boolean | CompressionOptions };

/** Opens the server side of a connection. The client supports all parameters. */
async function accept(t: Harness, options: Options): Promise<Side> {
  const server = await t.serve(options);
  const peer = t.rawClient(server);
  const offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits";
  peer.send(upgradeRequest([offer]));
  assert.match((await peer.answer()).headers.get("sec-websocket-extensions")!, /^permessage/);
  const transport = peer.transport.peer;
  transport.writes.length = 0;
  return { conn: [...server.clients()].at(-1)!, peer, transport };
}

/** Opens the client side of a connection. The server accepts all parameters. */
function openClient(t: Harness, options: Options): Promise<Side> {
  const { compression } = options;
  const takeover = typeof compression === "object" && compression.serverContextTakeover === true;
  const answer = `permessage-deflate${takeover ? "" : "; server_no_context_takeover"}`;
  return t.openClient(options, hex(""), [`Sec-WebSocket-Extensions: ${answer}`]);
}

/** Registers a test for each side. */
function compressionTest(
  name: string,
  options: Options,
  test: (side: Side) => Promise<void>,
): void {
  for (const [side, open] of [["server", accept], ["client", openClient]] as const) {
    socketTest(`${name} (${side})`, async (t) => {
      const before = ContextMemories.ofProcess.byteLength;
      const opened = await open(t, options);
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

compressionTest("compresses messages at or above the threshold, or as requested per message", {
  compression: { threshold: 100 },
}, async ({ conn, peer }) => {
  conn.send("x".repeat(99));
  conn.send("x".repeat(100));
  conn.send(new Uint8Array(100));
  conn.send(LONG, { compress: false });
  conn.send(utf8(LONG), { compress: false });
  conn.send(LONG, { compress: true });
  const frames = await peer.framesOf(6);
  assert.deepEqual(frames.map(({ rsv }) => rsv), [0, RSV1, RSV1, 0, 0, RSV1]);
  assert.equal(inflated(frames[5]), LONG);
});

compressionTest("sends incompressible messages uncompressed and keeps them out of the history", {
  compression: TAKEOVER,
}, async ({ conn, peer }) => {
  const noise = new Random(3).bytes(1000);
  conn.send(noise);
  conn.send(noise);
  conn.send(LONG);
  conn.send(noise);
  conn.send(LONG);
  const frames = await peer.framesOf(5);
  assert.deepEqual(frames.map(({ rsv }) => rsv), [0, 0, RSV1, 0, RSV1]);
  for (const index of [0, 1, 3]) assert.deepEqual(frames[index].payload, noise);
  assert.equal(inflated(frames[2]), LONG);
  assert.ok(frames[4].payload.length < frames[2].payload.length / 2);
});

/** Invalid input from the peer, with the expected close code. */
const REFUSALS: readonly [string, number, readonly FrameParts[]][] = [
  ["corrupt data", 1007, [{ rsv: RSV1, opcode: TEXT, payload: hex("ff ff ff") }]],
  ["text that is not valid UTF-8", 1007, [
    { rsv: RSV1, opcode: TEXT, payload: compressed(hex("61 ff")) },
  ]],
  ["more than maxMessageSize", 1009, [
    { rsv: RSV1, opcode: BINARY, payload: compressed(new Uint8Array((1 << 20) + 1)) },
  ]],
  ["a bomb", 1009, [{ rsv: RSV1, opcode: BINARY, payload: bomb() }]],
  ["a bomb in fragments", 1009, [
    { fin: false, rsv: RSV1, opcode: BINARY, payload: bomb().subarray(0, 500_000) },
    { opcode: CONTINUATION, payload: bomb().subarray(500_000) },
  ]],
  ["RSV1 on a continuation", 1002, [
    { fin: false, rsv: RSV1, opcode: TEXT, payload: compressed(LONG) },
    { rsv: RSV1, opcode: CONTINUATION },
  ]],
];

for (const [name, code, frames] of REFUSALS) {
  const delivered: unknown[] = [];
  compressionTest(`closes with ${code} on ${name} without delivery`, {
    compression: true,
    maxMessageSize: 1 << 20,
    message: (_, data) => void delivered.push(data),
  }, async ({ peer }) => {
    peer.send({ rsv: RSV1, opcode: TEXT, payload: compressed(LONG) }, ...frames);
    peer.send({ rsv: RSV1, opcode: TEXT, payload: compressed(LONG) });
    const [close, ...more] = await peer.framesOf(1);
    assert.deepEqual(more, []);
    assert.equal(close.opcode, CLOSE);
    assert.deepEqual(close.payload.subarray(0, 2), closePayload(code));
    assert.deepEqual(delivered.splice(0), [LONG]);
  });
}

compressionTest("decompress false closes with 1003 on a compressed message and accepts others", {
  compression: { decompress: false },
  message: (conn, data) => void conn.send(data),
}, async ({ peer }) => {
  peer.send({ opcode: TEXT, payload: LONG });
  peer.send({ rsv: RSV1, opcode: TEXT, payload: compressed(LONG) });
  const [echo, close] = await peer.framesOf(2);
  assert.equal(inflated(echo), LONG);
  assert.deepEqual(close.payload.subarray(0, 2), closePayload(1003));
});

compressionTest("compress false accepts compressed messages and sends uncompressed ones", {
  compression: { compress: false, ...TAKEOVER },
  message: (conn, data) => void conn.send(data),
}, async ({ peer }) => {
  const payloads = await compressedWithTakeover(LONG, LONG);
  for (const payload of payloads) peer.send({ rsv: RSV1, opcode: TEXT, payload });
  const frames = await peer.framesOf(2);
  assert.deepEqual(frames.map(({ rsv, payload }) => [rsv, payload.length]), [[0, 528], [0, 528]]);
});

for (const end of ["close", "terminate"] as const) {
  let received = 0;
  compressionTest(`${end} in the handler of a compressed message takes effect immediately`, {
    compression: TAKEOVER,
    message: (conn, data) => {
      received++;
      conn.send(data);
      conn[end]();
      assert.equal(conn.send(data), false);
    },
  }, async ({ conn, peer }) => {
    received = 0;
    const payloads = await compressedWithTakeover(LONG, LONG, LONG);
    peer.send(...payloads.map((payload) => ({ rsv: RSV1, opcode: TEXT, payload })));
    if (end === "close") {
      const [echo, close] = await peer.framesOf(2);
      assert.equal(inflated(echo), LONG);
      assert.equal(close.opcode, CLOSE);
      peer.send({ opcode: CLOSE, payload: closePayload(1000) });
      peer.transport.end();
    }
    await conn.closed;
    assert.equal(received, 1);
  });
}

compressionTest("releases the contexts of a disconnected peer", {
  compression: TAKEOVER,
  message: (conn, data) => void conn.send(data),
}, async ({ conn, peer }) => {
  const before = ContextMemories.ofProcess.byteLength;
  peer.send({ rsv: RSV1, opcode: TEXT, payload: compressed(LONG) });
  await peer.framesOf(1);
  assert.ok(ContextMemories.ofProcess.byteLength > before);
  peer.transport.destroy();
  await conn.closed;
  assert.equal(ContextMemories.ofProcess.byteLength, before);
});

socketTest(
  "drops compression contexts that exceed memoryLimit",
  async (t) => {
    const before = ContextMemories.ofProcess.byteLength;
    // The limit allows twice the decoders (1 KiB each), but not the larger encoders.
    const memoryLimit = MemoryGovernor.ofProcess.byteLength + 40_000;
    const windows = { serverMaxWindowBits: 10, clientMaxWindowBits: 10 };
    const options = { compression: { ...TAKEOVER, ...windows }, memoryLimit };
    const server = await t.serve({ ...options, message: (conn, data) => void conn.send(data) });
    const received: unknown[] = [];
    const clients = [];
    for (let i = 0; i < 10; i++) {
      clients.push(
        await t.connect(server.url, {
          ...options,
          message: (_, data) => void received.push(data),
        }),
      );
    }
    for (let round = 0; round < 20; round++) {
      for (const [i, client] of clients.entries()) client.send(`${LONG} ${i} ${round}`);
      await nextMacrotask();
      assert.equal(received.length, 10 * (round + 1));
      assert.ok(MemoryGovernor.ofProcess.byteLength <= memoryLimit);
    }
    const expected = Array.from(
      { length: 200 },
      (_, i) => `${LONG} ${i % 10} ${Math.floor(i / 10)}`,
    );
    assert.deepEqual([...received].sort(), expected.sort());
    await server.shutdown({ timeout: 0 });
    for (const client of clients) {
      await client.closed;
    }
    assert.equal(ContextMemories.ofProcess.byteLength, before);
  },
);

/** Connects one raw client per offer to the same server. */
async function listeners(
  t: Harness,
  compression: boolean | CompressionOptions,
  offers: readonly string[],
) {
  const server = await t.serve({ compression });
  const peers = [];
  for (const offer of offers) {
    const peer = t.rawClient(server);
    peer.send(upgradeRequest(offer === "" ? [] : [`Sec-WebSocket-Extensions: ${offer}`]));
    await peer.answer();
    peers.push(peer);
  }
  return { server, peers };
}

socketTest("broadcast compresses once for connections with the same parameters", async (t) => {
  const offers = [
    "permessage-deflate",
    "permessage-deflate; client_max_window_bits",
    "permessage-deflate; server_max_window_bits=8",
    "permessage-deflate; server_max_window_bits=8; client_max_window_bits=9",
    "",
  ];
  const { server, peers } = await listeners(t, { level: "best" }, offers);
  const noise = Array.from({ length: 300 }, (_, i) => i * 7919 % 997).join();
  server.broadcast(noise + noise);
  await nextMacrotask();
  const [wide, wideToo, narrow, narrowToo, plain] = peers.map(({ frames: [frame] }) => frame);
  assert.deepEqual(wide.payload, wideToo.payload);
  assert.deepEqual(narrow.payload, narrowToo.payload);
  assert.ok(wide.payload.length < narrow.payload.length);
  assert.equal(plain.rsv, 0);
  for (const frame of [wide, narrow]) assert.equal(inflated(frame), noise + noise);
  assert.equal(inflated(narrow, 8), noise + noise);
});

socketTest("sharing a prepared message allocates no memory per connection", async (t) => {
  const { server, peers } = await listeners(t, true, Array(20).fill("permessage-deflate"));
  const message = prepareMessage(LONG.repeat(100));
  const [first, ...others] = server.clients();
  first.sendPrepared(message);
  const sizes = allocationsOf(() => {
    for (const conn of others) conn.sendPrepared(message);
  });
  assert.deepEqual(sizes, []);
  await nextMacrotask();
  const [{ payload }] = peers[0].frames;
  for (const { frames } of peers) assert.deepEqual(frames[0].payload, payload);
  assert.equal(inflated(peers[0].frames[0]), LONG.repeat(100));
});

socketTest(
  "with context takeover, compresses a prepared message per connection with its own context",
  async (t) => {
    const offers = ["permessage-deflate", "permessage-deflate"];
    const { server, peers } = await listeners(t, TAKEOVER, offers);
    const [one] = server.clients();
    one.send(LONG);
    const message = prepareMessage(LONG + "!");
    for (const conn of server.clients()) conn.sendPrepared(message);
    await nextMacrotask();
    const sizes = peers.map(({ frames }) => frames.at(-1)!.payload.length);
    assert.ok(sizes[0] < sizes[1], `${sizes}`);
    const last: WireFrame = peers[1].frames[0];
    assert.equal(inflated(last), LONG + "!");
  },
);
