// viem: requests and a subscription over its WebSocket transport.

import assert from "node:assert/strict";
import { createPublicClient, webSocket } from "viem";
import { chainNode } from "./json_rpc.mjs";
import { assertQuickws, done } from "./support.mjs";

assertQuickws("viem");
// viem prefers a global WebSocket.
delete globalThis.WebSocket;
const url = `ws://127.0.0.1:${await chainNode()}`;
const client = createPublicClient({ transport: webSocket(url) });
assert.equal(await client.getBlockNumber(), 42n);
assert.equal(await client.getChainId(), 1);
const number = await new Promise((resolve, reject) => {
  client.transport.subscribe({
    params: ["newHeads"],
    onData: ({ result }) => resolve(result.number),
    onError: reject,
  });
});
assert.equal(number, "0x2b");
done();
