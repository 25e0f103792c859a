// The names of the frameworks, in a separate file, so that importing them does not load the
// frameworks.

/** The tested frameworks. */
export const frameworkNames = [
  "node:http",
  "node:https",
  "Express",
  "Fastify",
  "Koa",
  "Hono",
] as const;

/** The name of a tested framework. */
export type FrameworkName = typeof frameworkNames[number];

/** Whether the server uses TLS. */
export function isSecure(name: FrameworkName): boolean {
  return name === "node:https";
}

/** Returns the text of the page at `/hello`. */
export function greeting(name: FrameworkName): string {
  return `hello from ${name}`;
}
