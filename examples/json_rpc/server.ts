// A JSON-RPC server whose methods can also call the client.
//
//   deno run -A examples/json_rpc/server.ts
//   bun examples/json_rpc/server.ts
//   node examples/json_rpc/server.ts
//
// The environment variable PORT sets the port. client.ts in this folder connects to the server.

import process from "node:process";
import { serve } from "@quickws/quickws";
import { InvalidParams, jsonRpc } from "./peer.ts";

function numbers(params: unknown): number[] {
  if (!Array.isArray(params) || !params.every((value) => typeof value === "number")) {
    throw new InvalidParams("Expected an array of numbers");
  }
  return params;
}

const server = await serve({
  port: Number(process.env.PORT ?? 8080),
  ...jsonRpc({
    add: (params) => numbers(params).reduce((sum, value) => sum + value, 0),
    async greet(_, peer) {
      const name = await peer.call("whoAreYou");
      return `Hello, ${name}`;
    },
  }),
});

console.log(`JSON-RPC on ${server.url}`);
