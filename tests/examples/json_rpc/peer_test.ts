// Checks the peer against the JSON-RPC 2.0 specification, in both directions.

import assert from "node:assert/strict";
import {
  InvalidParams,
  jsonRpc,
  JsonRpcError,
  type JsonRpcPeer,
} from "../../../examples/json_rpc/peer.ts";
import { connect, serve, type Server } from "../../../mod.ts";

const notified: unknown[] = [];

function start(): Promise<Server<JsonRpcPeer | undefined>> {
  return serve<JsonRpcPeer | undefined>({
    port: 0,
    ...jsonRpc({
      subtract: (params) => (params as number[]).reduce((a, b) => a - b),
      note: (params) => void notified.push(params),
      never: () => new Promise(() => {}),
      strict() {
        throw new InvalidParams("invalid parameters");
      },
      own() {
        throw new JsonRpcError(7, "application error", { more: true });
      },
      call: (params, peer) => peer.call(String((params as string[])[0])),
    }),
  });
}

/** Requests and responses from the examples of the specification. */
const EXCHANGES: [request: string, answer: unknown][] = [
  ['{"jsonrpc":"2.0","method":"subtract","params":[42,23],"id":1}', {
    jsonrpc: "2.0",
    id: 1,
    result: 19,
  }],
  ['{"jsonrpc":"2.0","method":"foobar","id":"1"}', {
    jsonrpc: "2.0",
    id: "1",
    error: { code: -32601, message: 'Method not found: "foobar"' },
  }],
  ['{"jsonrpc":"2.0","method":"toString","id":2}', {
    jsonrpc: "2.0",
    id: 2,
    error: { code: -32601, message: 'Method not found: "toString"' },
  }],
  ['{"jsonrpc":"2.0","method":"foobar,"params":"bar', {
    jsonrpc: "2.0",
    id: null,
    error: { code: -32700, message: "Parse error" },
  }],
  ['{"jsonrpc":"2.0","method":1,"params":"bar"}', {
    jsonrpc: "2.0",
    id: null,
    error: { code: -32600, message: "Invalid Request" },
  }],
  ["[]", { jsonrpc: "2.0", id: null, error: { code: -32600, message: "Invalid Request" } }],
  ["[1]", [{ jsonrpc: "2.0", id: null, error: { code: -32600, message: "Invalid Request" } }]],
  [
    '[{"jsonrpc":"2.0","method":"subtract","params":[5,3],"id":"a"},' +
    '{"jsonrpc":"2.0","method":"note","params":[1]},{"foo":"boo"}]',
    [
      { jsonrpc: "2.0", id: "a", result: 2 },
      { jsonrpc: "2.0", id: null, error: { code: -32600, message: "Invalid Request" } },
    ],
  ],
];

Deno.test("answers requests as specified, and does not answer notifications", async () => {
  await using server = await start();
  const conn = await connect(server.url);
  const answers = conn[Symbol.asyncIterator]();
  conn.send('{"jsonrpc":"2.0","method":"note","params":{"a":1}}');
  conn.send('[{"jsonrpc":"2.0","method":"note","params":[2]}]');
  for (const [request, answer] of EXCHANGES) {
    conn.send(request);
    assert.deepEqual(JSON.parse(String((await answers.next()).value)), answer, request);
  }
  assert.deepEqual(notified, [{ a: 1 }, [2], [1]]);
  conn.close();
});

Deno.test("either side can call the other, and errors arrive with their code", async () => {
  await using server = await start();
  const conn = await connect<JsonRpcPeer>(server.url, jsonRpc({ whoAreYou: () => "Ada" }));
  const peer = conn.data;
  assert.deepEqual(
    await Promise.all([peer.call("subtract", [3, 1]), peer.call("call", ["whoAreYou"])]),
    [2, "Ada"],
  );
  await assert.rejects(peer.call("strict"), { code: -32602, message: "invalid parameters" });
  await assert.rejects(peer.call("own"), { code: 7, data: { more: true } });
  await assert.rejects(peer.call("never", [], 10), /No response to never within 10 ms/);
  const waiting = assert.rejects(peer.call("never"), /connection closed/);
  conn.close();
  await waiting;
  await assert.rejects(peer.call("subtract", [1]), /connection closed/);
});
