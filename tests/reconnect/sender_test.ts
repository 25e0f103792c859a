// Tests which messages are sent immediately, queued or dropped.

import assert from "node:assert/strict";
import { prepareMessage } from "../../src/connection/arguments.ts";
import { MESSAGE_COST, ReconnectingSender } from "../../src/reconnect/sender.ts";
import { Opcode } from "../../src/wire/opcode.ts";
import { nextMacrotask, socketTest } from "../support/socket_harness.ts";

function senderOf(maxQueue: number, hasLines = false): ReconnectingSender {
  return new ReconnectingSender(maxQueue, hasLines, (error) => {
    throw error;
  });
}

socketTest(
  "queues messages until a connection opens, and sends them after the messages of that connection",
  async (t) => {
    const sender = senderOf(1000);
    assert.equal(sender.open, undefined);
    assert.equal(sender.send("waits"), true);
    const { conn, peer } = await t.openClient();
    sender.opened(conn);
    assert.equal(sender.open, conn);
    assert.equal(sender.send("at once"), true);
    sender.flush();
    await nextMacrotask();
    assert.deepEqual(peer.payloads, ["at once", "waits"]);
    assert.equal(sender.bufferedAmount, 0);
    sender.closed();
    assert.equal(sender.send("waits"), true);
    assert.equal(sender.bufferedAmount, 37);
  },
);

socketTest(
  "without a connection, cork calls its function and reports a rejected promise",
  async () => {
    const errors: unknown[] = [];
    const sender = new ReconnectingSender(1000, false, (error) => void errors.push(error));
    const cause = new Error("for test");
    let calls = 0;
    sender.cork(() => {
      calls++;
      return Promise.reject(cause) as unknown as void;
    });
    assert.throws(() => sender.cork("no" as unknown as () => void), {
      name: "TypeError",
      message: /takes a function, got "no"/,
    });
    await nextMacrotask();
    assert.deepEqual([calls, errors], [1, [cause]]);
  },
);

for (const [size, isQueued] of [[999, true], [1000, true], [1001, false]] as const) {
  for (const isText of [true, false]) {
    socketTest(
      `a ${isText ? "text" : "binary message"} of ${size} bytes ${
        isQueued ? "waits" : "is dropped"
      } when maxQueue has room for 1000`,
      async () => {
        const sender = senderOf(1000 + MESSAGE_COST);
        const seen: unknown[] = [];
        const written = (error?: Error): void => void seen.push((error as { code?: string }).code);
        const data = isText ? "x".repeat(size) : new Uint8Array(size);
        assert.equal(sender.send(data, { written }), isQueued);
        assert.equal(sender.bufferedAmount, isQueued ? size + MESSAGE_COST : 0);
        // A message that fits exactly leaves no space, even for an empty message.
        if (size === 1000) assert.equal(sender.send(""), false);
        await nextMacrotask();
        assert.deepEqual(seen, isQueued ? [] : ["NOT_OPEN"]);
        sender.end();
        await nextMacrotask();
        assert.deepEqual(seen, ["NOT_OPEN"]);
      },
    );
  }
}

socketTest(
  "reports the first message that does not fit, and again once the queue has been sent",
  async (t) => {
    const sizes: number[] = [];
    const report = (error: unknown): void => {
      throw error;
    };
    const sender = new ReconnectingSender(100, false, report, (size) => void sizes.push(size));
    for (const text of ["fits", "x".repeat(40), "too long ".repeat(20)]) sender.send(text);
    assert.deepEqual(sizes, [2 * MESSAGE_COST + 44]);
    const { conn } = await t.openClient();
    sender.opened(conn);
    sender.flush();
    sender.closed();
    sender.send("x".repeat(101));
    assert.deepEqual(sizes.slice(1), [MESSAGE_COST + 101]);
    sender.end();
    sender.send("x".repeat(101));
    assert.equal(sizes.length, 2);
  },
);

socketTest(
  "with the topics subprotocol, adds an empty header line to all messages except requests",
  async (t) => {
    const sender = senderOf(1000, true);
    sender.send("one");
    const { conn, peer } = await t.openClient();
    sender.opened(conn);
    sender.flush();
    sender.send(Uint8Array.of(0x32));
    await nextMacrotask();
    assert.deepEqual(peer.payloads, ["\none", "\n2"]);
  },
);

socketTest("keeps queued messages when the connection ends", async (t) => {
  const sender = senderOf(1000);
  sender.send("one");
  const { conn } = await t.openClient();
  sender.opened(conn);
  conn.terminate();
  sender.flush();
  assert.equal(sender.open, undefined);
  assert.equal(sender.send("two"), true);
  assert.equal(sender.bufferedAmount, 70);
});

socketTest(
  "drained waits for the next connection or the end",
  async (t) => {
    const sender = senderOf(1000);
    let drained = 0;
    const count = (): void => void drained++;
    sender.drained().then(count);
    for (let round = 0; round < 2; round++) {
      const { conn } = await t.openClient({ highWaterMark: 1 });
      sender.opened(conn);
      sender.drained().then(count);
      conn.terminate();
      sender.closed();
      await nextMacrotask();
    }
    assert.equal(drained, 0);
    const { conn } = await t.openClient();
    sender.opened(conn);
    sender.flush();
    await nextMacrotask();
    assert.equal(drained, 3);
    sender.closed();
    sender.drained().then(count);
    sender.end();
    await nextMacrotask();
    assert.equal(drained, 4);
    await sender.drained();
  },
);

socketTest("drops all messages after the end", async () => {
  const sender = senderOf(1000);
  sender.send("one");
  sender.end();
  assert.equal(sender.bufferedAmount, 0);
  assert.equal(sender.send("two"), false);
  await nextMacrotask();
});

socketTest(
  "drops a message that does not fit, and accepts a smaller one later",
  async (t) => {
    const sender = senderOf(2 * MESSAGE_COST + 4);
    assert.equal(sender.send("abc"), true);
    assert.equal(sender.send("de"), false);
    assert.equal(sender.send("\u00e9"), false, "the character takes two bytes in UTF-8");
    assert.equal(sender.bufferedAmount, MESSAGE_COST + 3);
    assert.equal(sender.send(Uint8Array.of(0x64)), true);
    assert.equal(sender.send(""), false, "empty messages also count toward the limit");
    const { conn, peer } = await t.openClient();
    sender.opened(conn);
    sender.flush();
    await nextMacrotask();
    assert.deepEqual(peer.payloads, ["abc", "d"]);
  },
);

socketTest("a queue of 0 bytes accepts no message", async () => {
  const sender = senderOf(0);
  assert.equal(sender.send(""), false);
  assert.equal(sender.sendPrepared(prepareMessage("")), false);
  assert.equal(await sender.sendStream(each("x")), false);
});

async function* each(...chunks: string[]): AsyncGenerator<string, void> {
  yield* chunks;
}

for (const hasLines of [false, true]) {
  const line = hasLines ? "\n" : "";
  socketTest(
    `every send method queues in order, ${hasLines ? "with" : "without"} header lines`,
    async (t) => {
      const sender = senderOf(1000, hasLines);
      const all = (): Promise<boolean> => {
        sender.send("1");
        sender.sendUtf8(new TextEncoder().encode("2"));
        sender.sendDelayed("3");
        sender.sendPrepared(prepareMessage("4"));
        sender.sendPrepared(prepareMessage(Uint8Array.of(0x35)));
        const sent = sender.sendStream(each("6", "7"));
        sender.send("8");
        return sent;
      };
      const before = all();
      const { conn, peer } = await t.openClient();
      sender.opened(conn);
      sender.flush();
      assert.equal(await before, true);
      assert.equal(await all(), true);
      await nextMacrotask();
      const messages: string[] = [];
      for (const { opcode, payload } of peer.frames) {
        const text = new TextDecoder().decode(payload);
        if (opcode === Opcode.Continuation) messages.push(messages.pop() + text);
        else messages.push(text);
      }
      const expected = ["1", "2", "3", "4", "5", "67", "8"].map((text) => line + text);
      assert.deepEqual(messages, [...expected, ...expected]);
    },
  );
}

socketTest("sends all fragments of a message on one connection, or none", async (t) => {
  const sender = senderOf(1000);
  assert.equal(sender.sendFragment(Opcode.Text, "lost "), false);
  const first = await t.openClient();
  sender.opened(first.conn);
  assert.equal(sender.sendFragment(Opcode.Continuation, "too", { fin: true }), false);
  assert.equal(sender.sendFragment(Opcode.Text, "one "), true);
  await nextMacrotask();
  sender.closed();
  const second = await t.openClient();
  sender.opened(second.conn);
  assert.equal(sender.sendFragment(Opcode.Continuation, "two", { fin: true }), false);
  assert.equal(sender.sendFragment(Opcode.Text, "three", { fin: true }), true);
  await nextMacrotask();
  assert.deepEqual(first.peer.payloads, ["one "]);
  assert.deepEqual(second.peer.payloads, ["three"]);
});

socketTest("calls written with an error once for each dropped message", async () => {
  const sender = senderOf(MESSAGE_COST + 1);
  const errors: unknown[] = [];
  const written = (error?: Error): void => void errors.push((error as { code?: string })?.code);
  sender.send("a", { written });
  sender.send("b", { written });
  assert.deepEqual(errors, []);
  await nextMacrotask();
  assert.deepEqual(errors, ["NOT_OPEN"]);
  sender.end();
  sender.send("c", { written });
  await nextMacrotask();
  assert.deepEqual(errors, ["NOT_OPEN", "NOT_OPEN", "NOT_OPEN"]);
});

socketTest("cancels a queued stream at the end", async () => {
  const sender = senderOf(1000);
  let canceled = false;
  const source = new ReadableStream<string>({ cancel: () => void (canceled = true) });
  const sent = sender.sendStream(source);
  sender.end();
  assert.equal(await sent, false);
  assert.equal(canceled, true);
});
