// Like echo.ts, but uses the npm package on Node. `npx -y deno@2 task build` builds the package.
import process from "node:process";
import { serve } from "@quickws/quickws";

const server = await serve({
  port: Number(process.env.PORT ?? 8080),
  message(conn, data) {
    conn.send(data);
  },
});
console.log(`Echo server on ${server.url}`);
