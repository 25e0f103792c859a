// Transports over TLS.

import assert from "node:assert/strict";
import type { TlsClientOptions } from "../../../src/transport/transport.ts";
import type { Cases, Context } from "../harness.ts";
import { waitBriefly } from "./wait_briefly.ts";
import { dial, echo, End, type Pair } from "./end.ts";
import { assertEchoesLarge, stream } from "./echo.ts";
import { assertPattern, pattern, PatternCheck } from "./pattern.ts";
import { connectTls, listenTls, trusted } from "./secured.ts";

const MIB = 1 << 20;

/** Connects to a TLS listener without TLS, then starts TLS on the client. */
async function startTlsLater(context: Context, tls: TlsClientOptions): Promise<Pair> {
  const listener = await listenTls(context);
  const plain = await context.network.dial({
    hostname: "127.0.0.1",
    port: listener.port,
    noDelay: true,
  });
  const server = await listener.accept();
  server.start();
  const client = new End(context, await context.network.startTls(plain, tls));
  client.start();
  return { client, server };
}

export const tlsCases: Cases = {
  "TLS: a small message is echoed": async (context) => {
    const { client, server } = await connectTls(context);
    echo(server);
    await client.send(pattern(100));
    await client.until(() => client.received === 100);
    assertPattern(client.bytes());
    assert.match(client.transport.remoteAddress, /^(127\.0\.0\.1|::1)$/);
    assert.equal(server.transport.remoteAddress, "127.0.0.1");
    client.finish();
    await Promise.all([client.closedCleanly(), server.closedCleanly()]);
  },

  "TLS: 32 MiB arrive completely in both directions": async (context) => {
    await assertEchoesLarge(await connectTls(context));
  },

  "TLS: many small writes arrive in order, and received memory does not change": async (
    context,
  ) => {
    const { client, server } = await connectTls(context);
    let position = 0;
    for (let count = 0; count < 1000; count++) {
      const bytes = pattern(1 + count % 300, position);
      position += bytes.length;
      await client.send(bytes);
      bytes.fill(0xee);
    }
    client.finish();
    await server.until(() => server.ends === 1);
    assertPattern(server.bytes());
    assert.equal(server.received, position);
  },

  "TLS: never overwrites memory that the sink keeps": async (context) => {
    const { client, server } = await connectTls(context);
    const kept: Array<{ chunk: Uint8Array; position: number }> = [];
    const check = new PatternCheck();
    server.onData = (chunk) => {
      const { position } = check;
      check.add(chunk);
      if (kept.length * 2 > position / 1000) return true;
      kept.push({ chunk, position });
      return false;
    };
    await stream(client, 4 * MIB, 9000);
    await server.until(() => server.ends === 1);
    check.assertComplete(4 * MIB);
    for (const { chunk, position } of kept) assertPattern(chunk, position);
  },

  "TLS: the client ends its side and continues reading": async (context) => {
    const { client, server } = await connectTls(context);
    client.finish();
    await server.until(() => server.ends === 1);
    await stream(server, MIB, 100_000);
    await Promise.all([client.closedCleanly(), server.closedCleanly()]);
    assert.equal(client.received, MIB);
    assertPattern(client.bytes());
  },

  "TLS: the server ends its side and continues reading": async (context) => {
    const { client, server } = await connectTls(context);
    server.finish();
    await client.until(() => client.ends === 1);
    await stream(client, MIB, 100_000);
    await Promise.all([client.closedCleanly(), server.closedCleanly()]);
    assert.equal(server.received, MIB);
    assertPattern(server.bytes());
  },

  "TLS: end waits for written bytes": async (context) => {
    const { client, server } = await connectTls(context);
    assert.equal(client.write(pattern(16 * MIB)), false);
    client.finish();
    await server.until(() => server.ends === 1);
    assert.equal(server.received, 16 * MIB);
    assertPattern(server.bytes());
  },

  "TLS: pause blocks the peer": async (context) => {
    const { client, server } = await connectTls(context);
    server.pause();
    assert.equal(client.write(pattern(32 * MIB)), false);
    await waitBriefly();
    assert.ok(client.transport.bufferedAmount > 8 * MIB, `${client.transport.bufferedAmount} wait`);
    assert.equal(server.received, 0);
    const check = new PatternCheck();
    let chunks = 0;
    server.onData = (chunk) => {
      check.add(chunk);
      if (++chunks % 32 !== 0) return;
      server.pause();
      setTimeout(() => server.resume(), 0);
    };
    server.resume();
    client.finish();
    await server.until(() => server.ends === 1);
    check.assertComplete(32 * MIB);
  },

  "TLS: destroy closes immediately and reports its error later": async (context) => {
    const { client, server } = await connectTls(context);
    const other = await connectTls(context);
    echo(other.server);
    server.pause();
    client.write(pattern(32 * MIB));
    const error = new Error("cut");
    client.destroy(error);
    await other.client.send(pattern(10));
    await other.client.until(() => other.client.received === 10);
    assert.equal(client.closes, 1, "the close does not wait for the peer to read");
    assert.equal(await client.closedWithError(), error);
    server.resume();
    await server.until(() => server.ends + server.closes > 0);
    assert.ok(server.received < 32 * MIB);
  },

  "TLS: a peer that resets the stream during a write causes an error": async (context) => {
    const { client, server } = await connectTls(context);
    server.pause();
    assert.equal(client.write(pattern(32 * MIB)), false);
    server.destroy();
    await client.closedWithError();
    assert.equal(client.transport.bufferedAmount, 0);
  },

  "TLS: starts on an open stream": async (context) => {
    const { client, server } = await startTlsLater(context, {
      ...trusted(context),
      serverName: "localhost",
    });
    echo(server);
    const check = new PatternCheck();
    client.onData = (chunk) => check.add(chunk);
    await stream(client, 4 * MIB, 100_000);
    await Promise.all([client.closedCleanly(), server.closedCleanly()]);
    check.assertComplete(4 * MIB);
    assert.equal(client.transport.remoteAddress, "127.0.0.1");
  },

  "TLS: a paused client causes backpressure on the server, however TLS was started": async (
    context,
  ) => {
    const named = { ...trusted(context), serverName: "localhost" };
    const pairs = [
      await connectTls(context),
      await connectTls(context, { rejectUnauthorized: false }),
      await startTlsLater(context, named),
      await startTlsLater(context, { ...named, rejectUnauthorized: false }),
    ];
    for (const { client, server } of pairs) {
      client.pause();
      assert.equal(server.write(pattern(32 * MIB)), false);
      await waitBriefly();
      const waiting = server.transport.bufferedAmount;
      assert.ok(waiting > 8 * MIB, `${waiting} wait`);
      assert.equal(client.received, 0);
      const check = new PatternCheck();
      client.onData = (chunk) => check.add(chunk);
      client.resume();
      server.finish();
      await client.until(() => client.ends === 1);
      check.assertComplete(32 * MIB);
      client.destroy();
    }
  },

  "TLS in TLS": async (context) => {
    // Forwards the data of the outer TLS to the inner server and back.
    const inner = await listenTls(context);
    const outer = await listenTls(context);
    const accepting = inner.accept().then((server) => (server.start(), echo(server), server));
    void outer.accept().then(async (tunnel) => {
      tunnel.start();
      const onward = await dial(context, { port: inner.port });
      onward.start();
      relay(tunnel, onward);
      relay(onward, tunnel);
    });
    const tunnelled = await context.network.dial({
      hostname: "localhost",
      port: outer.port,
      noDelay: true,
      tls: trusted(context),
    });
    const client = new End(
      context,
      await context.network.startTls(tunnelled, { ...trusted(context), serverName: "localhost" }),
    );
    client.start();
    const check = new PatternCheck();
    client.onData = (chunk) => check.add(chunk);
    await stream(client, MIB, 30_000);
    await Promise.all([client.closedCleanly(), (await accepting).closedCleanly()]);
    check.assertComplete(MIB);
  },

  "TLS: rejects an untrusted certificate on an open stream": async (context) => {
    await assert.rejects(
      startTlsLater(context, { serverName: "localhost" }),
      (error) => error instanceof Error,
    );
  },
};

/** Forwards the data that one end receives. */
function relay(from: End, to: End): void {
  from.onData = (chunk) => {
    from.pause();
    void to.send(chunk).then(() => from.resume());
  };
  from.onEnd = () => to.finish();
}
