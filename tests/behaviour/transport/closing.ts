// Streams that end in one direction, in both, or by a reset. `closed` must be called once each
// time.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import type { Cases } from "../harness.ts";
import { connect, dial, echo, type End, listen } from "./end.ts";
import { stream } from "./echo.ts";
import { assertPattern, pattern, PatternCheck } from "./pattern.ts";

const MIB = 1 << 20;

/** Waits several turns of the event loop, so that a duplicate event would arrive. */
async function waitSomeTurns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Connects and resets in another process. Blocks this process, so it accepts no connection. */
function connectAndReset(port: number, count: number): void {
  const program = `
    const net = require("node:net");
    let left = ${count};
    const next = () => {
      if (left-- === 0) return;
      const socket = net.connect(${port}, "127.0.0.1", () => socket.resetAndDestroy());
      socket.on("error", () => {}).on("close", next);
    };
    next();`;
  assert.equal(spawnSync("node", ["-e", program]).status, 0);
}

/** Sends until the end of the connection is detected. */
async function sendUntilClosed(end: End): Promise<void> {
  while (end.closes === 0) {
    await end.send(pattern(1000));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Ends one direction, and asserts that the other continues. */
async function halfClose(first: End, second: End): Promise<void> {
  first.finish();
  await second.until(() => second.ends === 1);
  assert.equal(first.closes + second.closes, 0);
  const check = new PatternCheck();
  first.onData = (chunk) => check.add(chunk);
  await stream(second, MIB, 100_000);
  await Promise.all([first.closedCleanly(), second.closedCleanly()]);
  check.assertComplete(MIB);
  assert.equal(first.ends, 1);
  assert.equal(second.ends, 1);
}

export const closingCases: Cases = {
  "the client ends its side and continues reading": async (context) => {
    const { client, server } = await connect(context);
    await halfClose(client, server);
  },

  "the server ends its side and continues reading": async (context) => {
    const { client, server } = await connect(context);
    await halfClose(server, client);
  },

  "both sides may end simultaneously": async (context) => {
    const { client, server } = await connect(context);
    client.finish();
    server.finish();
    await Promise.all([client.closedCleanly(), server.closedCleanly()]);
    await waitSomeTurns();
    assert.deepEqual([client.ends, client.closes, server.ends, server.closes], [1, 1, 1, 1]);
  },

  "a second end has no effect": async (context) => {
    const { client, server } = await connect(context);
    client.finish();
    client.finish();
    await server.until(() => server.ends === 1);
    server.finish();
    await Promise.all([client.closedCleanly(), server.closedCleanly()]);
    client.finish();
    await waitSomeTurns();
    assert.equal(client.closes, 1);
  },

  "end waits for written bytes": async (context) => {
    const { client, server } = await connect(context);
    const check = new PatternCheck();
    server.onData = (chunk) => check.add(chunk);
    server.pause();
    assert.equal(client.write(pattern(24 * MIB)), false);
    client.finish();
    server.resume();
    await server.until(() => server.ends === 1);
    check.assertComplete(24 * MIB);
    assert.equal(client.drains, 1);
  },

  "end may be called inside data, drain and end": async (context) => {
    const { client, server } = await connect(context);
    server.onData = () => {
      if (server.write(new Uint8Array(16 * MIB))) server.finish();
    };
    server.onDrain = () => server.finish();
    client.onData = () => true;
    client.onEnd = () => client.finish();
    await client.send(pattern(10));
    await Promise.all([client.closedCleanly(), server.closedCleanly()]);
    assert.equal(client.received, 16 * MIB);
  },

  "destroy closes immediately, drops pending output, and reports its error later": async (
    context,
  ) => {
    const { client, server } = await connect(context);
    server.pause();
    assert.equal(client.write(pattern(32 * MIB)), false);
    const error = new Error("cut");
    client.destroy(error);
    assert.equal(client.closes, 0);
    assert.equal(await client.closedWithError(), error);
    assert.equal(client.transport.bufferedAmount, 0);
    assert.equal(client.drains, 0);
    server.resume();
    await server.until(() => server.ends + server.closes > 0);
    assert.ok(server.received < 32 * MIB);
  },

  "output sent before destroy arrives, followed by an end without a reset": async (context) => {
    const { client, server } = await connect(context);
    const check = new PatternCheck();
    server.onData = (chunk) => check.add(chunk);
    server.pause();
    const whole = 32 * MIB;
    assert.equal(client.write(pattern(whole)), false);
    const left = (): number => whole - client.transport.bufferedAmount;
    // Wait until the kernel's buffers are full.
    for (let before = -1; before !== left();) {
      before = left();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const least = left();
    assert.ok(least > 0);
    client.destroy();
    await client.until(() => client.closes > 0);
    server.resume();
    await server.until(() => server.ends === 1);
    assert.ok(server.received >= least, `${server.received} of ${least} bytes`);
    server.finish();
    await server.closedCleanly();
  },

  "destroy without an error reports no error": async (context) => {
    const { client, server } = await connect(context);
    client.destroy();
    await client.closedCleanly();
    await server.until(() => server.ends + server.closes > 0);
    await waitSomeTurns();
    assert.equal(client.closes, 1);
  },

  "a second destroy has no effect; the first error is reported": async (context) => {
    const { client } = await connect(context);
    const error = new Error("first");
    client.destroy(error);
    client.destroy(new Error("second"));
    assert.equal(await client.closedWithError(), error);
    client.destroy();
    await waitSomeTurns();
    assert.equal(client.closes, 1);
  },

  "destroy inside data stops the data": async (context) => {
    const { client, server } = await connect(context);
    server.onData = () => server.destroy();
    await client.send(pattern(10));
    await server.closedCleanly();
    await client.until(() => client.ends + client.closes > 0);
    assert.equal(server.received, 10);
  },

  "destroy may be called inside drain and end": async (context) => {
    const { client, server } = await connect(context);
    server.onData = () => true;
    server.onEnd = () => server.destroy();
    client.onDrain = () => client.finish();
    assert.equal(client.write(pattern(16 * MIB)), false);
    await server.closedCleanly();
    await client.until(() => client.closes === 1);
    assert.equal(server.received, 16 * MIB);
  },

  "destroy before start is reported at start": async (context) => {
    const { client, server } = await connect(context, { start: false });
    client.start();
    const error = new Error("early");
    server.destroy(error);
    await client.until(() => client.ends + client.closes > 0);
    await waitSomeTurns();
    assert.equal(server.closes, 0);
    server.start();
    assert.equal(server.closes, 0);
    assert.equal(await server.closedWithError(), error);
  },

  "destroy while paused is reported": async (context) => {
    const { client, server } = await connect(context);
    server.pause();
    await client.send(pattern(300_000));
    server.destroy();
    await server.closedCleanly();
    assert.equal(server.received, 0);
  },

  "destroy after end is reported": async (context) => {
    const { client, server } = await connect(context);
    client.finish();
    await server.until(() => server.ends === 1);
    client.destroy();
    await client.closedCleanly();
    server.destroy();
    await server.closedCleanly();
  },

  "a peer that resets the stream during a write causes an error": async (context) => {
    const { client, server } = await connect(context);
    server.pause();
    const length = 32 * MIB;
    assert.equal(client.write(pattern(length)), false);
    server.destroy();
    const error = await client.closedWithError();
    assert.equal(client.transport.bufferedAmount, 0);
    assert.equal(client.drains, 0);
    assert.match(
      `${error.name} ${error.message} ${(error as { code?: unknown }).code}`,
      /RESET|PIPE/i,
    );
    await waitSomeTurns();
    assert.equal(client.closes, 1);
  },

  "reports a peer's disconnect while reading, or at the latest on a write": async (context) => {
    const { client, server } = await connect(context);
    // Unread bytes make the kernel answer a close with a reset. It may have sent a FIN before, and
    // some runtimes see that first.
    server.pause();
    await client.send(pattern(300_000));
    server.destroy();
    await client.until(() => client.ends + client.closes > 0);
    await sendUntilClosed(client);
    await client.closedWithError();
    await waitSomeTurns();
    assert.equal(client.closes, 1);
  },

  "a paused transport detects a reset when it writes": async (context) => {
    const { client, server } = await connect(context);
    client.pause();
    await server.send(pattern(1000));
    server.pause();
    await client.send(pattern(300_000));
    server.destroy();
    await server.closedCleanly();
    await sendUntilClosed(client);
    assert.ok(client.error instanceof Error);
  },

  "a paused reader receives data that arrived before a reset": async (context) => {
    const { client, server } = await connect(context);
    client.pause();
    await server.send(pattern(1000));
    server.pause();
    await client.send(pattern(300_000));
    server.destroy();
    await server.closedCleanly();
    await waitSomeTurns();
    client.resume();
    await client.until(() => client.ends + client.closes > 0);
    assert.equal(client.received, 1000);
    assertPattern(client.bytes());
  },

  "reading and writing continue after the peer's end": async (context) => {
    const { client, server } = await connect(context);
    client.finish();
    await server.until(() => server.ends === 1);
    for (let position = 0; position < 10_000; position += 1000) {
      await server.send(pattern(1000, position));
      await client.until(() => client.received === position + 1000);
    }
    server.finish();
    await Promise.all([client.closedCleanly(), server.closedCleanly()]);
    assertPattern(client.bytes());
  },

  "an end received while paused waits for resume": async (context) => {
    const { client, server } = await connect(context);
    server.pause();
    await client.send(pattern(10));
    client.finish();
    await waitSomeTurns();
    assert.deepEqual([server.received, server.ends], [0, 0]);
    server.resume();
    await server.until(() => server.ends === 1);
    assert.equal(server.received, 10);
    server.finish();
    await Promise.all([client.closedCleanly(), server.closedCleanly()]);
  },

  "connections that are reset before they are accepted do not affect the listener": async (
    context,
  ) => {
    const listener = await listen(context);
    connectAndReset(listener.port, 20);
    const client = await dial(context, { port: listener.port });
    client.start();
    void client.send(pattern(10));
    // The intact connection is last. Some runtimes also report the earlier ones.
    while (client.received < 10) {
      const server = await listener.accept();
      echo(server);
      server.start();
      await Promise.race([client.until(() => client.received === 10), waitSomeTurns()]);
    }
    assert.equal(client.received, 10);
  },

  "1,000 connections open and close": async (context) => {
    const listener = await listen(context);
    for (let batch = 0; batch < 20; batch++) {
      await Promise.all(Array.from({ length: 50 }, async (_, index) => {
        const [server, client] = await Promise.all([
          listener.accept(),
          dial(context, { port: listener.port }),
        ]);
        for (const end of [server, client]) end.start();
        await client.send(pattern(100));
        if (index % 10 === 0) client.destroy();
        else client.finish();
        await server.until(() => server.ends + server.closes > 0);
        if (index % 10 === 1) server.destroy();
        else server.finish();
      }));
    }
  },
};
