// ethers: requests and a subscription over its WebSocketProvider.

import assert from "node:assert/strict";
import { WebSocketProvider } from "ethers";
import { chainNode } from "./json_rpc.mjs";
import { assertQuickws, done } from "./support.mjs";

assertQuickws("ethers");
const provider = new WebSocketProvider(`ws://127.0.0.1:${await chainNode()}`);
assert.equal(await provider.getBlockNumber(), 42);
assert.equal((await provider.getNetwork()).chainId, 1n);
const block = await new Promise((resolve) => provider.on("block", resolve));
assert.equal(block, 43);
await provider.destroy();
done();
