// Echoes of various sizes, over all kinds of sockets.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Cases } from "../harness.ts";
import { connect, dial, echo, type End, listen, type Pair } from "./end.ts";
import { assertPattern, pattern, PatternCheck } from "./pattern.ts";

const MIB = 1 << 20;

/** Sends a stream of `length` bytes in writes of `size`, then ends. */
export async function stream(end: End, length: number, size: number): Promise<void> {
  for (let position = 0; position < length; position += size) {
    await end.send(pattern(Math.min(size, length - position), position));
  }
  end.finish();
}

/** Sends 32 MiB in both directions and asserts that all bytes arrive. */
export async function assertEchoesLarge({ client, server }: Pair): Promise<void> {
  const check = new PatternCheck();
  client.onData = (chunk) => check.add(chunk);
  echo(server);
  await stream(client, 32 * MIB, MIB);
  await Promise.all([client.closedCleanly(), server.closedCleanly()]);
  check.assertComplete(32 * MIB);
}

export const echoCases: Cases = {
  "a small message is echoed over TCP": async (context) => {
    const { client, server } = await connect(context);
    echo(server);
    await client.send(pattern(100));
    await client.until(() => client.received === 100);
    assertPattern(client.bytes());
    client.finish();
    await Promise.all([client.closedCleanly(), server.closedCleanly()]);
    assert.equal(client.ends, 1);
    assert.equal(server.ends, 1);
  },

  "32 MiB arrive completely in both directions": async (context) => {
    await assertEchoesLarge(await connect(context));
  },

  "32 MiB in a single write arrive completely": async (context) => {
    const { client, server } = await connect(context);
    const check = new PatternCheck();
    server.onData = (chunk) => check.add(chunk);
    assert.equal(client.write(pattern(32 * MIB)), false);
    await client.until(() => client.drains === 1);
    client.finish();
    await server.until(() => server.ends === 1);
    check.assertComplete(32 * MIB);
  },

  "many small writes arrive in order": async (context) => {
    const { client, server } = await connect(context);
    let position = 0;
    for (let count = 0; count < 3000; count++) {
      const length = 1 + count % 200;
      await client.send(pattern(length, position));
      position += length;
    }
    client.finish();
    await server.until(() => server.ends === 1);
    assertPattern(server.bytes());
    assert.equal(server.received, position);
  },

  "both sides can send simultaneously": async (context) => {
    const { client, server } = await connect(context);
    const checks = [client, server].map((end) => {
      const check = new PatternCheck();
      end.onData = (chunk) => check.add(chunk);
      return check;
    });
    await Promise.all([stream(client, 8 * MIB, 100_000), stream(server, 8 * MIB, 77_777)]);
    await Promise.all([client.closedCleanly(), server.closedCleanly()]);
    for (const check of checks) check.assertComplete(8 * MIB);
  },

  "each side has the other's address": async (context) => {
    const { client, server } = await connect(context);
    assert.equal(client.transport.remoteAddress, "127.0.0.1");
    assert.equal(server.transport.remoteAddress, "127.0.0.1");
    client.finish();
    server.finish();
    await Promise.all([client.closedCleanly(), server.closedCleanly()]);
    assert.equal(server.transport.remoteAddress, "127.0.0.1", "still available after the end");
  },

  "IPv6 works and has no brackets": async (context) => {
    const { client, server } = await connect(context, { address: { hostname: "::1" } });
    echo(server);
    await client.send(pattern(100));
    await client.until(() => client.received === 100);
    assert.equal(client.transport.remoteAddress, "::1");
    assert.equal(server.transport.remoteAddress, "::1");
  },

  "resolves a host name": async (context) => {
    const { client, server } = await connect(context, { options: { hostname: "localhost" } });
    echo(server);
    await client.send(pattern(10));
    await client.until(() => client.received === 10);
  },

  "a unix socket works, has no address, and leaves no file": async (context) => {
    const path = join(context.fixtures.directory, "echo.sock");
    const listener = await listen(context, { unix: path });
    assert.equal(listener.hostname, path);
    assert.equal(listener.port, 0);
    const [server, client] = await Promise.all([
      listener.accept(),
      dial(context, { unix: path, port: 0 }),
    ]);
    server.start();
    client.start();
    const check = new PatternCheck();
    client.onData = (chunk) => check.add(chunk);
    echo(server);
    await stream(client, MIB, 10_000);
    await Promise.all([client.closedCleanly(), server.closedCleanly()]);
    check.assertComplete(MIB);
    assert.equal(client.transport.remoteAddress, "");
    assert.equal(server.transport.remoteAddress, "");
    await listener.close();
    assert.equal(existsSync(path), false);
  },

  "Nagle's algorithm can stay enabled": async (context) => {
    const { client, server } = await connect(context, {
      address: { noDelay: false },
      options: { noDelay: false },
    });
    echo(server);
    await client.send(pattern(10));
    await client.until(() => client.received === 10);
  },
};
