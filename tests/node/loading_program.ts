// A server and a client without other web APIs; prints the internal modules loaded by Node.

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
// Not part of Node's types.
const { moduleLoadList } = process as unknown as { moduleLoadList: string[] };
console.log(JSON.stringify(moduleLoadList));
