// The names of the servers, in a separate file, so that importing them loads no server.

/** Every server that is tested. */
export const frameworkNames = [
  "node:http",
  "node:https",
  "Express",
  "Fastify",
  "Koa",
  "Hono",
] as const;

/** One of them. */
export type FrameworkName = typeof frameworkNames[number];

/** The server with TLS. */
export function isSecure(name: FrameworkName): boolean {
  return name === "node:https";
}

/** The text of the page at `/hello`. */
export function greeting(name: FrameworkName): string {
  return `hello from ${name}`;
}
