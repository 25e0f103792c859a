// Rejects clients without a valid token with 401. The server knows the others by name.
//
//   deno run -A examples/auth.ts           prints a token to try it with
//   bun examples/auth.ts
//   node examples/auth.ts
//
// The environment variable TOKENS lists users and tokens: TOKENS="ada=secret1 bob=secret2".
//
// Programs send the token as `Authorization: Bearer ...`. Browsers cannot set header fields on a
// WebSocket, but they send cookies: let your login page set a cookie named `token` (HttpOnly,
// Secure, SameSite=Strict). The default of `allowedOrigins` keeps other sites from using it.

import { Buffer } from "node:buffer";
import process from "node:process";
import { serve, type UpgradeRequest } from "@quickws/quickws";

/** The data of each connection. */
interface User {
  readonly name: string;
}

/** Tokens are looked up by their digest, so the lookup time reveals nothing about them. */
async function digest(token: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
  return Buffer.from(bytes).toString("hex");
}

function tokenOf({ headers }: UpgradeRequest): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "");
  const cookie = /(?:^|; *)token=([^;\s]+)/.exec(headers.get("cookie") ?? "");
  return (bearer ?? cookie)?.[1];
}

const given = process.env.TOKENS ?? `ada=${crypto.randomUUID()}`;
const users = new Map<string, User>();
for (const pair of given.split(/\s+/)) {
  const [name = "", token = ""] = pair.split(/=(.*)/);
  if (name === "" || token === "") {
    throw new Error("TOKENS must look like: ada=secret1 bob=secret2");
  }
  users.set(await digest(token), { name });
}

const server = await serve<User>({
  port: Number(process.env.PORT ?? 8080),
  async upgrade(request) {
    const token = tokenOf(request);
    const user = token === undefined ? undefined : users.get(await digest(token));
    if (user !== undefined) return { data: user };
    return {
      status: 401,
      headers: { "www-authenticate": "Bearer" },
      body: "A valid token is required\n",
    };
  },
  message(conn, data) {
    conn.send(`${conn.data.name} said: ${data}`);
  },
});

console.log(`Members only, on ${server.url}`);
if (process.env.TOKENS === undefined) console.log(`Today's token: ${given}`);
