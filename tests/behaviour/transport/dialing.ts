// Dialing: success, failure and cancellation.

import assert from "node:assert/strict";
import { join } from "node:path";
import { hasCapability } from "../capabilities.ts";
import type { Cases } from "../harness.ts";
import { connect, dial, echo, listen } from "./end.ts";
import { pattern } from "./pattern.ts";

/** Returns a predicate for errors with this system error code, which all runtimes use. */
function code(expected: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof Error);
    assert.match(String((error as { code?: unknown }).code ?? error.message), expected);
    return true;
  };
}

export const dialingCases: Cases = {
  "a port without a listener rejects the connection": async (context) => {
    const listener = await listen(context);
    await listener.close();
    await assert.rejects(dial(context, { port: listener.port }), code(/ECONNREFUSED/));
  },

  "a host name that does not exist is an error": async (context) => {
    await assert.rejects(
      dial(context, { hostname: "no-such-host.invalid", port: 1 }),
      (error) => error instanceof Error,
    );
  },

  "a unix socket that does not exist is an error": async (context) => {
    const path = join(context.fixtures.directory, "missing.sock");
    await assert.rejects(dial(context, { unix: path, port: 0 }), code(/ENOENT/));
  },

  "does not dial if the signal is already aborted": async (context) => {
    const reason = new Error("too late");
    await assert.rejects(
      dial(context, { port: 1, signal: AbortSignal.abort(reason) }),
      (error) => error === reason,
    );
  },

  "a signal that aborts during the name lookup cancels dialing": async (context) => {
    const listener = await listen(context);
    const controller = new AbortController();
    const reason = new Error("changed my mind");
    const dialing = dial(context, {
      hostname: "localhost",
      port: listener.port,
      signal: controller.signal,
    });
    controller.abort(reason);
    await assert.rejects(dialing, (error) => error === reason);
  },

  "a signal that aborts while connecting cancels dialing": async (context) => {
    const controller = new AbortController();
    const reason = new Error("no response");
    const dialing = dial(context, { port: context.fixtures.silentPort, signal: controller.signal });
    setTimeout(() => controller.abort(reason), 50);
    await assert.rejects(dialing, (error) => error === reason);
  },

  "a timeout signal rejects with its TimeoutError": async (context) => {
    await assert.rejects(
      dial(context, { port: context.fixtures.silentPort, signal: AbortSignal.timeout(50) }),
      { name: "TimeoutError" },
    );
  },

  "a signal that aborts during the TLS handshake cancels dialing and closes the connection": async (
    context,
  ) => {
    const listener = await listen(context); // never answers the ClientHello
    const controller = new AbortController();
    const reason = new Error("no ServerHello");
    const dialing = dial(context, {
      port: listener.port,
      signal: controller.signal,
      tls: { caCerts: [context.fixtures.certificates.ca] },
    });
    const server = await listener.accept();
    server.start();
    await server.until(() => server.received > 0);
    controller.abort(reason);
    await assert.rejects(dialing, (error) => error === reason);
    if (!hasCapability(context.runtime, "cutsTlsHandshakes")) return;
    await server.until(() => server.ends + server.closes > 0);
  },

  "a signal that aborts after the connection is open has no effect": async (context) => {
    const controller = new AbortController();
    const { client, server } = await connect(context, { options: { signal: controller.signal } });
    controller.abort();
    echo(server);
    await client.send(pattern(10));
    await client.until(() => client.received === 10);
  },

  "port 0 lets the system choose the port": async (context) => {
    const [one, other] = [await listen(context), await listen(context)];
    assert.ok(one.port > 0 && other.port > 0 && one.port !== other.port);
    assert.equal(one.hostname, "127.0.0.1");
  },

  "listening on an address in use fails": async (context) => {
    const { port } = await listen(context);
    await assert.rejects(listen(context, { port }), code(/EADDRINUSE/));
  },

  "listening on a unix socket in use fails": async (context) => {
    const path = join(context.fixtures.directory, "busy.sock");
    await listen(context, { unix: path });
    await assert.rejects(listen(context, { unix: path }), code(/EADDRINUSE/));
  },

  "listening on a non-local address fails": async (context) => {
    await assert.rejects(listen(context, { hostname: "203.0.113.7" }), code(/EADDRNOTAVAIL/));
  },

  "a closed listener accepts no more connections, keeps open ones, and frees its address": async (
    context,
  ) => {
    const listener = await listen(context);
    const [server, client] = await Promise.all([
      listener.accept(),
      dial(context, { port: listener.port }),
    ]);
    server.start();
    client.start();
    await listener.close();
    await listener.close();
    await assert.rejects(dial(context, { port: listener.port }), code(/ECONNREFUSED/));
    echo(server);
    await client.send(pattern(10));
    await client.until(() => client.received === 10);
    const again = await listen(context, { port: listener.port });
    assert.equal(again.port, listener.port);
  },

  "processes can share a port, or fail with an error": async (context) => {
    if (!hasCapability(context.runtime, "reusePort")) {
      await assert.rejects(listen(context, { reusePort: true }), TypeError);
      return;
    }
    const { port } = await listen(context, { reusePort: true });
    const other = await listen(context, { port, reusePort: true });
    assert.equal(other.port, port);
  },

  "accepts a backlog": async (context) => {
    const listener = await listen(context, { backlog: 5 });
    const [server, client] = await Promise.all([
      listener.accept(),
      dial(context, { port: listener.port }),
    ]);
    assert.ok(server && client);
  },

  "lookup returns an address": async ({ network }) => {
    assert.match(await network.lookup("localhost"), /^(127\.0\.0\.1|::1)$/);
    assert.equal(await network.lookup("127.0.0.1"), "127.0.0.1");
    await assert.rejects(network.lookup("no-such-host.invalid"), (error) => error instanceof Error);
  },
};
