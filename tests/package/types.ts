// Tests the types for TypeScript users: each compiler checks projects that use every exported name,
// with common configurations.

import assert from "node:assert/strict";
import { join } from "node:path";
import config from "../../deno.json" with { type: "json" };
import { exportedNames } from "../project/exported_names.ts";
import { root } from "../project/source_files.ts";
import { typeErrors } from "./run.ts";

const COMPILER_OPTIONS = {
  strict: true,
  exactOptionalPropertyTypes: true,
  verbatimModuleSyntax: true,
  skipLibCheck: false,
  noEmit: true,
  target: "es2022",
};

/** The module resolution and the available libraries of each project. */
const PROJECTS: Record<string, Record<string, unknown>> = {
  "nodenext, with only the types of Node": {
    module: "nodenext",
    lib: ["es2023"],
    typeRoots: [join(root, "node_modules/@types")],
    types: ["node"],
  },
  "bundler, with only the types of browsers": {
    module: "preserve",
    moduleResolution: "bundler",
    lib: ["es2023", "dom", "dom.asynciterable", "esnext.disposable"],
    types: [],
  },
};

const PROGRAM = `
import { type CloseInfo, connect, type Connection, serve, type Server } from "${config.name}";

interface User {
  readonly name: string;
}

const server: Server<User> = await serve<User>({
  port: 0,
  compression: { threshold: 100 },
  upgrade: ({ headers }) => ({ data: { name: headers.get("x-name") ?? "nobody" } }),
  message(conn: Connection<User>, data: string | Uint8Array): void {
    const sent: boolean = conn.send(typeof data === "string" ? conn.data.name + data : data);
    if (!sent) conn.close(1000);
  },
});
const conn: Connection = await connect(server.url, { headers: { "x-name": "me" } });
for await (const data of conn) data satisfies string | Uint8Array;
const info: CloseInfo = await conn.closed;
info.code satisfies number;
await server.shutdown();

/** Detects unresolved types, which would be \`any\`. */
type Known<T> = 0 extends 1 & T ? false : true;
const known: Known<typeof server> & Known<typeof conn> & Known<typeof info> = true;
known satisfies true;
`;

/** Calls that must compile: inference, and messages of each type. */
const INFERENCE = `
import { connect, type Connection, serve, type Server, type UpgradeRequest } from "${config.name}";
import { createSockets } from "${config.name}/workers";

const server = await serve({ message: (conn, data) => server.broadcast(data, { except: conn }) });
const conn = await connect(server.url, { message: (_, data) => conn.send(data) });

const first = await serve({
  upgrade: ({ headers }) => ({ data: { name: headers.get("x-name") ?? "" } }),
  message: (conn) => conn.data.name satisfies string,
});
const last = await serve({
  message: (conn) => conn.data.name satisfies string,
  upgrade: () => ({ data: { name: "" } }),
});
first satisfies Server<{ name: string }>;
for (const each of first.clients()) each satisfies Connection;
last satisfies Server<{ name: string }>;
await serve<{ name: string }>({
  open: (conn) => conn.data.name satisfies string,
  upgrade: async ({ path }) => path === "/" ? { data: { name: path } } : { status: 404 },
});
await serve<{ name: string } | undefined>({ open: (conn) => conn.data?.name });
// With an explicit request type, inference works even if the hook is after \`message\`.
await serve({
  message: (conn) => conn.data.path satisfies string,
  upgrade: async ({ path }: UpgradeRequest) => ({ data: { path } }),
});
createSockets();
createSockets({ open: (conn) => conn.data satisfies undefined });
createSockets({
  upgrade: ({ path }) => ({ data: { name: path } }),
  message: (conn) => conn.data.name satisfies string,
});
createSockets<{ name: string }>({
  open: (conn) => conn.data.name satisfies string,
  upgrade: async ({ path }) => path === "/" ? { data: { name: path } } : "pass",
});
await serve({ open: (conn) => conn.data satisfies undefined });

await serve({ message: (_, data) => void (data satisfies string | Uint8Array<ArrayBuffer>) });
await serve({ message: (_, data) => void (data satisfies Uint8Array<ArrayBuffer>), text: "bytes" });
await serve({
  binaryType: "arraybuffer",
  message: (_, data) => void (data satisfies string | ArrayBuffer),
});
const bytes = await connect(server.url, { text: "bytes" });
for await (const data of bytes) {
  new Blob([data]);
  await crypto.subtle.digest("SHA-256", data);
}
for await (const data of conn) new Blob([data]);

declare const perhaps: boolean;
const either = await connect(server.url, { reconnect: perhaps });
either.send("hello");

declare const number: number | undefined;
declare const text: string | undefined;
declare const signal: AbortSignal | undefined;
await serve({
  port: number,
  hostname: text,
  maxMessageSize: number,
  tls: undefined,
  compression: { threshold: number, serverMaxWindowBits: number },
});
declare const nothing: undefined;
declare const handler: ((conn: Connection) => void) | undefined;
await serve({ open: handler, message: nothing, close: nothing, drain: handler, onError: nothing });
await serve({ upgrade: nothing, fetch: nothing, onRefused: nothing, onLimit: nothing });
await connect(server.url, { open: handler, message: nothing, dial: nothing, onError: nothing });
await connect(server.url, {
  open: nothing,
  reconnecting: nothing,
  reconnected: nothing,
  reconnect: { retry: nothing },
});
await connect(server.url, {
  close: (_, { error }) => void (error?.code satisfies string | undefined),
  reconnect: { retry: ({ error }) => error?.status === 401 || error?.code === "CONNECT_FAILED" },
});
conn.send("hello", { written: nothing });
await connect(server.url, { handshakeTimeout: number, origin: text, signal, headers: undefined });
await connect(server.url, { reconnect: { minDelay: number, signal } });
conn.send("hello", { compress: undefined });
await server.shutdown({ timeout: number, code: perhaps ? 1012 : undefined });
`;

/** The imports of every mistake. */
const MISTAKE_IMPORTS = `import { createServer } from "node:http";
import { connect, serve } from "${config.name}";
import { attach } from "${config.name}/node";
import { createSockets } from "${config.name}/workers";
`;

/** Calls that must not compile. */
const MISTAKES: Record<string, string> = {
  "data without an upgrade that returns it":
    `await serve<{ name: string }>({ open: (conn) => conn.data.name });`,
  "data without an upgrade that returns it, in createSockets":
    `createSockets<{ name: string }>({ open: (conn) => conn.data.name });`,
  "an upgrade that returns no data, in createSockets":
    `createSockets<{ name: string }>({ upgrade: () => undefined });`,
  "data without an upgrade that returns it, in attach":
    `attach<{ name: string }>(createServer(), { open: (conn) => conn.data.name });`,
  "an upgrade that returns no data":
    `await serve<{ name: string }>({ upgrade: () => ({ subprotocol: "chat" }) });`,
  "a string where messages are bytes":
    `await serve({ text: "bytes", message: (_, data) => void (data satisfies string) });`,
  "a view where messages are buffers": `await connect("ws://a/", {
    binaryType: "arraybuffer",
    message: (_, data) => void (data satisfies string | Uint8Array),
  });`,
  "an option that does not exist": `await serve({ onMessage: () => {} });`,
};

/** The compilers, from the oldest that the README names to the latest. */
const COMPILERS = ["typescript-5.7", "typescript-5.9", "typescript"] as const;
const LATEST = "typescript";

/** Returns the directory of a compiler. */
function directoryOf(name: (typeof COMPILERS)[number]): string {
  const [, version] = config.imports[name].split("@");
  return join(root, "node_modules/.deno", `typescript@${version}`, "node_modules/typescript");
}

/** The entry whose types depend on Node's. */
const NODE_ENTRY = "./ws";

/**
 * Registers a test for each project.
 *
 * @param wsPrograms The `tsconfig.json` of programs for `@quickws/ws`.
 */
export function testTypes(project: string, wsPrograms: string): void {
  const uses = Object.entries(exportedNames()).map(([key, names], entry) => {
    const specifier = key.replace(/^\./, config.name);
    const lines = names.map((name, index) =>
      `export { type ${name} as _${entry}_${index} } from "${specifier}";`
    );
    return [key, lines.join("\n")] as const;
  });
  const mistakes = Object.keys(MISTAKES);
  const mistakeFiles = Object.fromEntries(mistakes.map((name, index) => [
    `mistake_${index}.ts`,
    `${MISTAKE_IMPORTS}${
      MISTAKES[name]
    }\nvoid [connect, serve, createSockets, attach, createServer];\n`,
  ]));
  for (const compiler of COMPILERS) {
    // One process for all projects of a compiler: loading it and the libraries takes most of the
    // time.
    const outputs = once(async () => {
      const configs: string[] = [];
      for (const [index, options] of Object.values(PROJECTS).entries()) {
        const known = uses.filter(([key]) =>
          key !== NODE_ENTRY || options["typeRoots"] !== undefined
        );
        configs.push(
          await writeProject(`${compiler}_${index}`, { ...COMPILER_OPTIONS, ...options }, {
            "consumer.ts": [PROGRAM, ...known.map(([, lines]) => lines)].join("\n"),
            "inference.ts": INFERENCE,
            ...(index === 0 ? mistakeFiles : {}),
          }),
        );
      }
      if (compiler === LATEST) configs.push(wsPrograms);
      return await typeErrors(directoryOf(compiler), configs);
    });
    for (const [index, title] of Object.keys(PROJECTS).entries()) {
      Deno.test(`${compiler} accepts a project under ${title}`, async () => {
        const errors = (await outputs())[index]!;
        assert.deepEqual(errors.filter((error) => !error.startsWith("mistake_")), []);
      });
    }
    if (compiler === LATEST) {
      Deno.test("@quickws/ws: programs written for the declarations of ws compile", async () => {
        assert.deepEqual((await outputs()).at(-1), []);
      });
    }
    Deno.test(`${compiler} rejects mistakes`, async () => {
      const [errors] = await outputs();
      const accepted = mistakes.filter((_, index) =>
        !errors!.some((error) => error.startsWith(`mistake_${index}.ts(`))
      );
      assert.deepEqual(accepted, []);
    });
  }

  /** Writes files into a folder of the project. Returns the path of the `tsconfig.json`. */
  async function writeProject(
    folder: string,
    compilerOptions: Record<string, unknown>,
    files: Record<string, string>,
  ): Promise<string> {
    const directory = join(project, folder);
    await Deno.mkdir(directory);
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(join(directory, name), text);
    }
    const path = join(directory, "tsconfig.json");
    await Deno.writeTextFile(path, JSON.stringify({ compilerOptions, files: Object.keys(files) }));
    return path;
  }
}

/** Calls a function only the first time. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
