// A JSON-RPC client whose methods the server can also call.
//
//   deno run -A examples/json_rpc/client.ts ws://127.0.0.1:8080/
//   bun examples/json_rpc/client.ts ws://127.0.0.1:8080/
//   node examples/json_rpc/client.ts ws://127.0.0.1:8080/

import process from "node:process";
import { connect } from "@quickws/quickws";
import { jsonRpc, JsonRpcError } from "./peer.ts";

const url = process.argv[2] ?? "ws://127.0.0.1:8080/";
const conn = await connect(url, jsonRpc({ whoAreYou: () => "Ada" }));
const server = conn.data!;

try {
  // Both requests are in flight at the same time.
  const [sum, greeting] = await Promise.all([server.call("add", [1, 2, 3]), server.call("greet")]);
  console.log(sum, greeting);
  await server.call("add", ["one", "two"]);
} catch (error) {
  if (!(error instanceof JsonRpcError)) throw error;
  console.log(error.code, error.message);
} finally {
  conn.close();
}
