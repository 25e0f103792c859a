// The timing of chunks, the ownership of their memory, and pausing.

import assert from "node:assert/strict";
import process from "node:process";
import type { TransportSink } from "../../../src/transport/transport.ts";
import type { Cases } from "../harness.ts";
import { waitBriefly } from "./wait_briefly.ts";
import { connect, type End } from "./end.ts";
import { assertPattern, pattern, PatternCheck } from "./pattern.ts";
import { stream } from "./echo.ts";

const MIB = 1 << 20;

/** Sends until the kernel's buffers are full. Returns the number of written bytes. */
async function sendUntilBlocked(end: End): Promise<number> {
  let position = 0;
  for (;;) {
    const bytes = pattern(MIB, position);
    position += bytes.length;
    const drains = end.drains;
    if (end.write(bytes)) continue;
    await Promise.race([end.until(() => end.drains > drains), waitBriefly()]);
    if (end.drains === drains) return position;
  }
}

export const readingCases: Cases = {
  "data and an end received before start are delivered after it": async (context) => {
    const { client, server } = await connect(context, { start: false });
    client.start();
    await client.send(pattern(10_000));
    client.finish();
    await waitBriefly();
    server.start();
    assert.equal(server.received, 0, "start delivers no data synchronously");
    await server.until(() => server.ends === 1);
    assertPattern(server.bytes());
    assert.equal(server.received, 10_000);
  },

  "a dialed transport also waits for start": async (context) => {
    const { client, server } = await connect(context, { start: false });
    server.start();
    await server.send(pattern(10_000));
    server.finish();
    await waitBriefly();
    client.start();
    await client.until(() => client.ends === 1);
    assertPattern(client.bytes());
    assert.equal(client.received, 10_000);
  },

  "a second start with another sink loses no data": async (context) => {
    const { client, server } = await connect(context, { start: false });
    client.start();
    const checks = [new PatternCheck(), new PatternCheck(), new PatternCheck()];
    const handOver = (index: number): TransportSink => ({
      data: (chunk) => {
        checks[index]!.add(chunk);
        checks[index + 1]!.position = checks[index]!.position;
        server.start(index === 0 ? handOver(1) : server);
      },
      drain: () => {},
      end: () => {},
      closed: () => {},
    });
    server.onData = (chunk) => checks[2]!.add(chunk);
    server.start(handOver(0));
    await stream(client, 4 * MIB, 50_000);
    await server.until(() => server.ends === 1);
    for (const check of checks) check.assertComplete(check.position);
    assert.equal(checks[2]!.position, 4 * MIB);
    assert.ok(checks[0]!.position > 0 && checks[1]!.position > checks[0]!.position);
  },

  "pause stops reading from the kernel, so the peer is blocked and memory stays flat": async (
    context,
  ) => {
    const { client, server } = await connect(context);
    const check = new PatternCheck();
    server.onData = (chunk) => check.add(chunk);
    await client.send(pattern(100));
    await server.until(() => server.received === 100);
    check.position = 0;
    server.pause();
    const length = await sendUntilBlocked(client);
    assert.equal(server.received, 100);
    assert.ok(length < 24 * MIB, `${length} bytes were sent`);
    const waiting = client.transport.bufferedAmount;
    assert.ok(waiting > 0);
    const memory = process.memoryUsage().rss;
    await waitBriefly();
    assert.equal(client.transport.bufferedAmount, waiting);
    assert.ok(process.memoryUsage().rss - memory < 8 * MIB);
    server.resume();
    const drains = client.drains;
    await client.until(() => client.drains > drains);
    client.finish();
    await server.until(() => server.ends === 1);
    check.assertComplete(length);
  },

  "pause in every chunk defers the following data": async (context) => {
    const { client, server } = await connect(context);
    const check = new PatternCheck();
    server.onData = (chunk) => {
      check.add(chunk);
      server.pause();
      setTimeout(() => server.resume(), 0);
    };
    await stream(client, 4 * MIB, 30_000);
    await server.until(() => server.ends === 1);
    check.assertComplete(4 * MIB);
  },

  "pause followed immediately by resume has no effect": async (context) => {
    const { client, server } = await connect(context);
    const check = new PatternCheck();
    server.onData = (chunk) => {
      check.add(chunk);
      server.pause();
      server.resume();
    };
    await stream(client, 4 * MIB, 30_000);
    await server.until(() => server.ends === 1);
    check.assertComplete(4 * MIB);
  },

  "pause before start keeps everything until resume": async (context) => {
    const { client, server } = await connect(context, { start: false });
    client.start();
    server.pause();
    server.start();
    await client.send(pattern(1000));
    client.finish();
    await waitBriefly();
    assert.equal(server.received, 0);
    server.resume();
    assert.equal(server.received, 0, "resume delivers no data synchronously");
    await server.until(() => server.ends === 1);
    assertPattern(server.bytes());
    assert.equal(server.received, 1000);
  },

  "a paused transport can write": async (context) => {
    const { client, server } = await connect(context);
    client.pause();
    await client.send(pattern(MIB));
    await server.until(() => server.received === MIB);
    assertPattern(server.bytes());
  },

  "does not modify delivered chunks": async (context) => {
    const { client, server } = await connect(context);
    let position = 0;
    // Many small chunks, sent one by one, then a flood of large chunks.
    for (let count = 0; count < 1000; count++) {
      const bytes = pattern(1 + (count * 37) % 700, position);
      position += bytes.length;
      await client.send(bytes);
      await server.until(() => server.received === position);
    }
    const small = server.chunks.length;
    await stream(client, 0, 1);
    assert.ok(small >= 1000);
    assertPattern(server.bytes());
  },

  "does not modify the chunks of a flood": async (context) => {
    const { client, server } = await connect(context);
    await stream(client, 16 * MIB, 123_456);
    await server.until(() => server.ends === 1);
    assertPattern(server.bytes());
    assert.equal(server.received, 16 * MIB);
  },

  "the sink may modify a chunk in place": async (context) => {
    const { client, server } = await connect(context);
    const check = new PatternCheck();
    server.onData = (chunk) => {
      check.add(chunk);
      chunk.fill(0xee);
      new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength).fill(0xdd);
    };
    for (let position = 0; position < 100_000; position += 500) {
      await client.send(pattern(500, position));
      await server.until(() => server.received === position + 500);
    }
    client.finish();
    await server.until(() => server.ends === 1);
    check.assertComplete(100_000);
  },

  "never overwrites memory that the sink keeps": async (context) => {
    const { client, server } = await connect(context);
    const check = new PatternCheck();
    const kept: Array<{ chunk: Uint8Array; position: number }> = [];
    let count = 0;
    server.onData = (chunk) => {
      const { position } = check;
      check.add(chunk);
      // Keeps some chunks, in runs and of all sizes.
      if ((count++ >> 2) % 3 !== 0) return true;
      kept.push({ chunk, position });
      return false;
    };
    let position = 0;
    for (const size of [10, 100, 2048, 2047, 1, 3000, 70_000, 5, 600, 600, 600, 20_000, 64, 8192]) {
      for (let times = 0; times < 40; times++) {
        await client.send(pattern(size, position));
        position += size;
        await server.until(() => server.received === position);
      }
    }
    client.finish();
    await server.until(() => server.ends === 1);
    check.assertComplete(position);
    assert.ok(kept.length > 100);
    for (const { chunk, position } of kept) assertPattern(chunk, position);
  },

  "the initial size of the read buffer is configurable": async (context) => {
    const { client, server } = await connect(context, {
      address: { readBufferSize: 16 },
      options: { readBufferSize: 100_000 },
    });
    await stream(client, 100_000, 50_000);
    await stream(server, 100_000, 50_000);
    await Promise.all([client.closedCleanly(), server.closedCleanly()]);
    assertPattern(client.bytes());
    assertPattern(server.bytes());
  },
};
