// @trpc/server: a query, a mutation and a subscription through its adapter for `ws`.

import assert from "node:assert/strict";
import { createTRPCClient, createWSClient, wsLink } from "@trpc/client";
import { initTRPC } from "@trpc/server";
import { applyWSSHandler } from "@trpc/server/adapters/ws";
import WebSocket, { WebSocketServer } from "ws";
import { done, next } from "./support.mjs";

const t = initTRPC.create();
const any = (value) => value;
let sum = 0;
const router = t.router({
  hello: t.procedure.input(any).query(({ input }) => `hello ${input}`),
  add: t.procedure.input(any).mutation(({ input }) => sum += input),
  count: t.procedure.subscription(async function* () {
    for (let i = 1; i <= 3; i++) yield i;
  }),
});
const wss = new WebSocketServer({ port: 0 });
const handler = applyWSSHandler({ wss, router });
await next(wss, "listening");
const wsClient = createWSClient({ url: `ws://127.0.0.1:${wss.address().port}`, WebSocket });
const client = createTRPCClient({ links: [wsLink({ client: wsClient })] });
assert.equal(await client.hello.query("you"), "hello you");
assert.deepEqual([await client.add.mutate(2), await client.add.mutate(3)], [2, 5]);
const counted = await new Promise((resolve, reject) => {
  const values = [];
  client.count.subscribe(undefined, {
    onData: (value) => values.push(value),
    onComplete: () => resolve(values),
    onError: reject,
  });
});
assert.deepEqual(counted, [1, 2, 3]);
handler.broadcastReconnectNotification();
await wsClient.close();
done();
