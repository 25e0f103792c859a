// The ownership of written memory, buffered output, and the drain event.

import assert from "node:assert/strict";
import type { Cases } from "../harness.ts";
import { connect } from "./end.ts";
import { assertPattern, fill, pattern, PatternCheck } from "./pattern.ts";

const MIB = 1 << 20;

export const writingCases: Cases = {
  "an empty write completes immediately": async (context) => {
    const { client } = await connect(context);
    assert.equal(client.write(new Uint8Array(0)), true);
    assert.equal(client.write(new Uint8Array(10), 0), true);
    assert.equal(client.transport.bufferedAmount, 0);
  },

  "writes only the first length bytes, from the start of the view": async (context) => {
    const { client, server } = await connect(context);
    const memory = new Uint8Array(1000).fill(0xff);
    fill(memory.subarray(100, 150));
    if (!client.write(memory.subarray(100), 50)) await client.until(() => client.drains === 1);
    client.finish();
    await server.until(() => server.ends === 1);
    assert.equal(server.received, 50);
    assertPattern(server.bytes());
  },

  "the caller may reuse memory after write returns true, and after a drain": async (context) => {
    const { client, server } = await connect(context);
    let position = 0;
    // Sizes around the kernel's capacity, so that both results occur where possible.
    for (const size of [1, 10, 1000, 65_536, 65_537, 100_000, MIB, 10 * MIB, 5, 70_000, 3]) {
      const memory = pattern(size, position);
      if (!client.write(memory)) {
        const drains = client.drains;
        await client.until(() => client.drains > drains);
      }
      memory.fill(0xee);
      position += size;
    }
    client.finish();
    await server.until(() => server.ends === 1);
    assert.equal(server.received, position);
    assertPattern(server.bytes());
  },

  "the same buffer can be reused after every write that completes immediately": async (context) => {
    const { client, server } = await connect(context);
    const check = new PatternCheck();
    server.onData = (chunk) => check.add(chunk);
    let memory = new Uint8Array(16_384);
    let position = 0;
    for (let count = 0; count < 1000; count++) {
      const length = 1 + (count * 7919) % memory.length;
      fill(memory.subarray(0, length), position);
      position += length;
      if (client.write(memory, length)) continue;
      memory = new Uint8Array(16_384);
      const drains = client.drains;
      await client.until(() => client.drains > drains);
    }
    client.finish();
    await server.until(() => server.ends === 1);
    check.assertComplete(position);
  },

  "write returns false if and only if the transport writes later": async (context) => {
    const { client } = await connect(context);
    const done = client.write(pattern(10));
    assert.equal(done, client.transport.writesLater !== true);
    await client.until(() => done || client.drains === 1);
  },

  "bufferedAmount decreases while the peer reads, and is 0 at the drain event": async (context) => {
    const { client, server } = await connect(context);
    const length = 32 * MIB;
    server.pause();
    assert.equal(client.transport.bufferedAmount, 0);
    assert.equal(client.write(pattern(length)), false);
    let last = client.transport.bufferedAmount;
    assert.ok(last > 16 * MIB && last <= length, `${last} of ${length} wait`);
    const seen = new Set<number>();
    let fault = "";
    server.onData = () => {
      const amount = client.transport.bufferedAmount;
      if (amount > last) fault ||= `rose from ${last} to ${amount}`;
      // Some runtimes count a chunk of 64 KiB until they have reported that its last byte was sent.
      if (amount > length - server.received + 65_536) fault ||= `the peer has more than ${amount}`;
      seen.add(last = amount);
    };
    server.resume();
    await client.until(() => client.drains === 1);
    assert.equal(client.transport.bufferedAmount, 0);
    client.finish();
    await server.until(() => server.ends === 1);
    assert.equal(fault, "");
    assert.equal(server.received, length);
    // Progress is visible in steps, not only at the end.
    assert.ok(seen.size > 4, `${seen.size} different amounts`);
  },

  "preserves the order of drain and writes inside it": async (context) => {
    const { client, server } = await connect(context);
    const check = new PatternCheck();
    server.onData = (chunk) => check.add(chunk);
    let position = 0;
    const next = (): void => {
      while (position < 8 * MIB) {
        const bytes = pattern(300_000, position);
        position += bytes.length;
        if (!client.write(bytes)) return;
      }
      client.finish();
    };
    client.onDrain = next;
    next();
    await server.until(() => server.ends === 1);
    check.assertComplete(position);
  },

  "ignores a write after the local end": async (context) => {
    const { client, server } = await connect(context);
    await client.send(pattern(10));
    client.finish();
    assert.equal(client.write(pattern(10)), true);
    assert.equal(client.transport.bufferedAmount, 0);
    await server.until(() => server.ends === 1);
    assert.equal(server.received, 10);
  },

  "a write after the stream's end is ignored": async (context) => {
    const { client, server } = await connect(context);
    client.destroy();
    assert.equal(client.write(pattern(10)), true);
    await client.closedCleanly();
    assert.equal(client.write(pattern(10)), true);
    assert.equal(client.transport.bufferedAmount, 0);
    await server.until(() => server.ends + server.closes > 0);
    assert.equal(server.received, 0);
  },
};
