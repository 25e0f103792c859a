// The same as echo.ts, on Node from the npm package: `npx -y deno@2 task build` builds the package.
import process from "node:process";
import { serve } from "@quickws/quickws";

const server = await serve({
  port: Number(process.env.PORT ?? 8080),
  message(conn, data) {
    conn.send(data);
  },
});
console.log(`Echo server on ${server.url}`);
