// Streams of compressed messages between a client and a server over real sockets, for every
// possible negotiation. All messages must arrive unchanged and in order.

import assert from "node:assert/strict";
import { type CompressionOptions, type Message, type MessageOpcode, Opcode } from "../../mod.ts";
import { type Live, liveCases, Queue } from "../support/live_harness.ts";
import { Random } from "../support/random.ts";
import { utf8 } from "../support/vectors.ts";
import type { Cases } from "./harness.ts";

const WORDS = "the quick brown fox jumps over a lazy dog \u20ac \u00e9t\u00e9 \u{1d11e}".split(" ");

/** Generates a typical record of a service. */
function record(random: Random): Record<string, unknown> {
  return {
    id: random.below(1_000_000),
    user: { name: random.pick(WORDS), admin: random.below(2) === 0, score: random.below(1e6) / 7 },
    tags: Array.from({ length: random.below(6) }, () => random.pick(WORDS)),
    note: null,
  };
}

function words(random: Random, count: number): string {
  return Array.from({ length: count }, () => random.pick(WORDS)).join(" ");
}

/** Generates a message of any kind, from empty to 256 KiB. */
function message(random: Random): Message {
  const size = 1 << random.below(random.below(40) === 0 ? 16 : 10);
  switch (random.below(6)) {
    case 0:
      return words(random, size >> 2);
    case 1:
      return random.bytes(Math.min(size, 5000));
    case 2:
      return new Uint8Array(size).fill(random.below(256));
    case 3:
      return utf8(words(random, size >> 3));
    default:
      return JSON.stringify(Array.from({ length: 1 + (size >> 6) }, () => record(random)));
  }
}

const TAKEOVERS: readonly CompressionOptions[] = [true, false].flatMap((serverContextTakeover) =>
  [true, false].map((clientContextTakeover) => ({ serverContextTakeover, clientContextTakeover }))
);

/** Returns the opcode of data, which an empty stream does not reveal. */
function opcodeOf(data: Message): MessageOpcode {
  return typeof data === "string" ? Opcode.Text : Opcode.Binary;
}

/** Splits data into chunks of random sizes. */
async function* inChunks(data: Message, random: Random): AsyncGenerator<Message, void> {
  for (let from = 0; from < data.length;) {
    const to = from + 1 + random.below(data.length);
    yield data.slice(from, to);
    from = to;
  }
}

/**
 * Sends messages to an echo server, some whole and some in fragments, and compares the echoes.
 */
async function exchange(
  t: Live,
  compression: CompressionOptions,
  random: Random,
  count: number,
): Promise<string> {
  const received = new Queue<Message>();
  const server = await t.serve({ compression, message: (conn, data) => void conn.send(data) });
  const client = await t.connect(server.url, {
    compression,
    message: (_, data) => received.push(data),
  });
  const sent: Message[] = [];
  while (sent.length < count) {
    for (let burst = random.below(8); burst >= 0; burst--) {
      const data = message(random);
      sent.push(data);
      const compress = random.below(10) > 0;
      if (random.below(4) > 0) client.send(data, { compress });
      else void client.sendStream(inChunks(data, random), opcodeOf(data), { compress });
    }
    await received.atLeast(sent.length);
  }
  // Compare at the end, to detect reused memory.
  sent.forEach((data, i) => assert.deepEqual(received.all[i], data, `message ${i}`));
  const { extensions } = client;
  client.close();
  await client.closed;
  await server.shutdown();
  return extensions;
}

function describe({ serverContextTakeover, clientContextTakeover }: CompressionOptions): string {
  const sides = [serverContextTakeover && "the server's", clientContextTakeover && "the client's"]
    .filter(Boolean);
  return sides.length === 0 ? "without takeover" : `with ${sides.join(" and ")} takeover`;
}

const streams = TAKEOVERS.flatMap((takeover, index) =>
  [8, 9, 10, 11, 12, 13, 14, 15].map((bits): [string, (t: Live) => Promise<void>] => [
    `messages of all kinds arrive unchanged, ${describe(takeover)}, windows of ${bits} bits`,
    async (t) => {
      const windows = { serverMaxWindowBits: bits, clientMaxWindowBits: bits };
      const random = new Random(1 + 16 * index + bits);
      const extensions = await exchange(t, { ...takeover, ...windows }, random, 60);
      const names = extensions.split("; ");
      for (const side of ["server", "client"] as const) {
        const wanted = takeover[`${side}ContextTakeover`];
        assert.equal(names.includes(`${side}_no_context_takeover`), !wanted, extensions);
        assert.equal(names.includes(`${side}_max_window_bits=${bits}`), bits < 15, extensions);
      }
    },
  ])
);

const levels = (["fast", "best", "auto"] as const).map((
  level,
): [string, (t: Live) => Promise<void>] => [
  `messages of all kinds arrive unchanged, level ${level}`,
  async (t) => {
    for (const takeover of [TAKEOVERS[0], TAKEOVERS.at(-1)!]) {
      await exchange(t, { ...takeover, level, threshold: 0 }, new Random(7), 60);
    }
  },
]);

export const cases: Cases = liveCases({
  ...Object.fromEntries(streams),
  ...Object.fromEntries(levels),

  "a megabyte of text is compressed and echoed": async (t) => {
    const text = words(new Random(21), 200_000);
    const received = new Queue<Message>();
    const options = {
      compression: TAKEOVERS[0],
      message: (_: unknown, data: Message) => received.push(data),
    };
    const { near, far } = await t.pair({
      ...options,
      message: (conn, data) => void conn.send(data),
    }, options);
    near.send(text);
    assert.equal(await received.next(), text);
    assert.equal(far.readyState, "open");
  },
});
