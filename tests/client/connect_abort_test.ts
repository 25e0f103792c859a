// Aborts connect by handshakeTimeout and by the user's signal.

import assert from "node:assert/strict";
import { TimeoutError } from "../../src/errors.ts";
import { timers } from "../../src/shared/timer_wheel.ts";
import { watchedSignal } from "../support/listeners.ts";
import { transportPair } from "../support/memory_network.ts";
import { RawPeer } from "../support/raw_peer.ts";
import { nextMacrotask, socketTest } from "../support/socket_harness.ts";

const URL_OF_A = "ws://a.example/chat";

socketTest(
  "a dial that never resolves fails with HANDSHAKE_TIMEOUT, and a late transport is destroyed",
  async (t) => {
    const late = Promise.withResolvers<ReturnType<typeof transportPair>[0]>();
    let signal: AbortSignal | undefined;
    const connecting = t.connect(URL_OF_A, {
      handshakeTimeout: 20,
      dial: (address) => {
        signal = address.signal;
        return late.promise;
      },
    });
    await assert.rejects(connecting, (error: Error) => {
      assert.ok(error instanceof TimeoutError);
      assert.equal(error.code, "HANDSHAKE_TIMEOUT");
      assert.match(error.message, /20 ms \(option handshakeTimeout\)/);
      return true;
    });
    assert.equal(signal!.aborted, true);
    const [transport, far] = transportPair();
    late.resolve(transport);
    const peer = new RawPeer(far);
    await peer.until(() => peer.isClosed);
    assert.equal(transport.isClosed, true);
  },
);

socketTest(
  "a server that never answers fails with HANDSHAKE_TIMEOUT, and the stream is destroyed",
  async (t) => {
    const { connecting, peer } = t.startConnect({ handshakeTimeout: 20 });
    await assert.rejects(connecting, { name: "TimeoutError", code: "HANDSHAKE_TIMEOUT" });
    await peer.until(() => peer.isClosed);
  },
);

socketTest("a slow response does not extend the timeout", async (t) => {
  const { connecting, peer } = t.startConnect({ handshakeTimeout: 20 });
  const failed = assert.rejects(connecting, { code: "HANDSHAKE_TIMEOUT" });
  peer.send("HTTP/1.1 101 Switching Protocols\r\nX-Slow: ");
  while (!peer.isClosed) {
    peer.send("x");
    await nextMacrotask();
  }
  await failed;
});

socketTest("handshakeTimeout does not apply after the handshake", async (t) => {
  const { conn } = await t.openClient({ handshakeTimeout: 1000 });
  assert.equal(timers.size, 0);
  assert.equal(conn.readyState, "open");
});

const reason = new Error("changed my mind");

socketTest(
  "an aborted signal rejects with its reason before dialing",
  async (t) => {
    const signal = AbortSignal.abort(reason);
    await assert.rejects(t.connect(URL_OF_A, { signal }), (error) => error === reason);
    assert.deepEqual(t.network.dialed, []);
  },
);

socketTest("a signal that aborts while dialing rejects with its reason", async (t) => {
  const controller = new AbortController();
  const connecting = t.connect(URL_OF_A, {
    signal: controller.signal,
    dial: () => new Promise(() => {}),
  });
  await nextMacrotask();
  controller.abort(reason);
  await assert.rejects(connecting, (error) => error === reason);
});

socketTest(
  "a signal that aborts before the response rejects with its reason and disconnects",
  async (t) => {
    const controller = new AbortController();
    const { connecting, peer } = t.startConnect({ signal: controller.signal });
    await peer.head();
    controller.abort(reason);
    await assert.rejects(connecting, (error) => error === reason);
    await peer.until(() => peer.isClosed);
  },
);

socketTest("an abort while dialing completes rejects and disconnects", async (t) => {
  // Abort at every possible step.
  for (let steps = 0; steps < 12; steps++) {
    const controller = new AbortController();
    const [transport, far] = transportPair();
    const peer = t.peer(far);
    const connecting = t.connect(URL_OF_A, {
      signal: controller.signal,
      dial: async () => {
        await nextMacrotask();
        let delay = Promise.resolve();
        for (let i = 0; i < steps; i++) delay = delay.then(() => {});
        delay.then(() => controller.abort(reason));
        return transport;
      },
    });
    await assert.rejects(connecting, (error) => error === reason);
    await peer.until(() => peer.isClosed);
  }
});

socketTest(
  "removes the signal's listener when the connection opens or fails",
  async (t) => {
    const { signal, listeners } = watchedSignal();
    const { connecting, peer } = t.startConnect({ signal });
    assert.equal(listeners.size, 1);
    await peer.acceptUpgrade();
    await connecting;
    assert.equal(listeners.size, 0);
    await assert.rejects(t.connect("ws://127.0.0.1:9/", { signal }));
    assert.equal(listeners.size, 0);
  },
);

socketTest("a signal has no effect on an open connection", async (t) => {
  const controller = new AbortController();
  const { conn, peer } = await t.openClient({ signal: controller.signal });
  controller.abort();
  await nextMacrotask();
  assert.equal(conn.readyState, "open");
  conn.send("still here");
  await peer.framesOf(1);
});

socketTest("an abort in the open handler has no effect", async (t) => {
  const controller = new AbortController();
  const { conn } = await t.openClient({
    signal: controller.signal,
    open: () => controller.abort(),
  });
  await nextMacrotask();
  assert.equal(conn.readyState, "open");
});
