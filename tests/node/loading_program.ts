// Runs a server and a client that use no other web APIs, and prints the internal modules that Node
// loads.

import process from "node:process";
import { connect, serve } from "../../mod.ts";

const server = await serve({
  port: 0,
  upgrade: ({ path }) => path === "/closed" ? { status: 403 } : { data: path },
  message: (conn, data) => void conn.send(data),
});
const conn = await connect(server.url);
conn.send("hello");
for await (const _ of conn) conn.close();
await connect(`${server.url}closed`).catch(() => {});
await server.shutdown();
// Node's types do not declare it.
const { moduleLoadList } = process as unknown as { moduleLoadList: string[] };
console.log(JSON.stringify(moduleLoadList));
