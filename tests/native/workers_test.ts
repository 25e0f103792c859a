// Workers in workerd: `createSockets` in a Worker and in a Durable Object, and `connect` in a
// Worker.

import assert from "node:assert/strict";
import { connect } from "../../mod.ts";
import { Queue } from "../support/live_harness.ts";
import { startWorkerd } from "../support/workerd.ts";

const WORKER = `
import { connect, createSockets } from "./src/workers.ts";

const sockets = createSockets({
  path: "/ws",
  subprotocols: ["chat"],
  upgrade: async ({ url }) => {
    await Promise.resolve();
    if (url.endsWith("?refused")) return { status: 401, body: "no token" };
    return { data: "from the hook", headers: [["x-worker", "yes"]] };
  },
  open: (conn) => conn.send(conn.data),
  message(conn, data) {
    if (data === "fail") throw new Error("as asked");
    if (data === "bye") conn.close(1001, "bye");
    else conn.send(data);
  },
  onError: () => {},
});

export class Room {
  sockets = createSockets({
    clientTopics: { allow: () => true },
    message: (_, data) => {
      this.sockets.broadcast("to all: " + data);
      this.sockets.publish("news", "published: " + data);
    },
  });

  async fetch(request) {
    if (request.url.endsWith("/shutdown")) {
      await this.sockets.shutdown();
      return new Response("done");
    }
    return this.sockets.handle(request) ?? new Response("plain");
  }
}

export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname.startsWith("/room")) {
      return env.ROOM.get(env.ROOM.idFromName("one")).fetch(request);
    }
    if (pathname === "/client") {
      const conn = await connect(searchParams.get("to"));
      conn.send("from the worker");
      const received = [];
      for await (const data of conn) {
        received.push(data);
        if (received.length === 2) break;
      }
      conn.close();
      await conn.closed;
      return Response.json(received);
    }
    return sockets.handle(request) ?? new Response("plain HTTP");
  },
};
`;

Deno.test("Workers accept and open connections in workerd", async (t) => {
  await using workerd = await startWorkerd(WORKER);
  const url = workerd.origin.replace("http", "ws");

  await t.step("a Worker serves HTTP and WebSockets on one port", async () => {
    assert.equal(await (await fetch(`${workerd.origin}/page`)).text(), "plain HTTP");
    const conn = await connect(`${url}/ws`, { subprotocols: ["chat"] });
    assert.equal(conn.protocol, "chat");
    assert.equal(conn.handshake.headers.get("x-worker"), "yes");
    conn.send("text \u{1f600}");
    conn.send(Uint8Array.of(1, 2, 255));
    const received: unknown[] = [];
    for await (const data of conn) {
      received.push(data);
      if (received.length === 3) conn.send("bye");
    }
    assert.deepEqual(received, ["from the hook", "text \u{1f600}", Uint8Array.of(1, 2, 255)]);
    const { code, reason, clean } = await conn.closed;
    assert.deepEqual([code, reason, clean], [1001, "bye", true]);
  });

  await t.step(
    "a hook and the origins check reject requests, and a failing handler closes with 1011",
    async () => {
      await assert.rejects(connect(`${url}/ws?refused`), { status: 401, body: "no token" });
      await assert.rejects(connect(`${url}/ws`, { origin: "https://other.example" }), {
        status: 403,
      });
      const conn = await connect(`${url}/ws`, { message: () => {} });
      conn.send("fail");
      const { code, reason } = await conn.closed;
      assert.deepEqual([code, reason], [1011, "The message handler failed"]);
    },
  );

  await t.step("a Durable Object has topics and broadcasts for its connections", async () => {
    const plain = new Queue<unknown>();
    const news = new Queue<unknown>();
    const one = await connect(`${url}/room`, { message: (_, data) => plain.push(data) });
    const other = await connect(`${url}/room`, { reconnect: { topics: true } });
    await other.subscribe("news", { message: (data) => news.push(data) });
    one.send("hello");
    assert.equal(await plain.next(), "to all: hello");
    assert.equal(await news.next(), "published: hello");
    other.close();
    await other.closed;
    await (await fetch(`${workerd.origin}/room/shutdown`)).text();
    const { code, reason } = await one.closed;
    assert.deepEqual([code, reason], [1001, ""]);
  });

  await t.step("connect works inside a Worker", async () => {
    const response = await fetch(`${workerd.origin}/client?to=${url}/ws`);
    assert.deepEqual(await response.json(), ["from the hook", "from the worker"]);
  });
});
