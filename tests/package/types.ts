// The types as TypeScript users see them: a project that uses the package and mentions every name that
// it exports, checked by `tsc` as people set it up.

import { join } from "node:path";
import config from "../../deno.json" with { type: "json" };
import { exportedNames } from "../project/exported_names.ts";
import { root } from "../project/source_files.ts";
import { nodePath } from "../support/runtimes.ts";
import { printed } from "./run.ts";

const COMPILER_OPTIONS = {
  strict: true,
  exactOptionalPropertyTypes: true,
  verbatimModuleSyntax: true,
  skipLibCheck: false,
  // TypeScript's own libraries and those of Node are not what is checked here.
  skipDefaultLibCheck: true,
  noEmit: true,
  target: "es2022",
};

/** How projects find modules and what they know of the world. */
const PROJECTS: Record<string, Record<string, unknown>> = {
  "nodenext, with the types of Node and no others": {
    module: "nodenext",
    lib: ["es2023"],
    typeRoots: [join(root, "node_modules/@types")],
    types: ["node"],
  },
  "bundler, with the types of browsers and no others": {
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

/** Types that were not found would be \`any\`, which fits everywhere. */
type Known<T> = 0 extends 1 & T ? false : true;
const known: Known<typeof server> & Known<typeof conn> & Known<typeof info> = true;
known satisfies true;
`;

/** The entry whose types are built on those of Node. */
const NODE_ENTRY = "./ws";

/** Registers a test for each of the projects. */
export function testTypes(project: string): void {
  const uses = Object.entries(exportedNames()).map(([key, names], entry) => {
    const specifier = key.replace(/^\./, config.name);
    const lines = names.map((name, index) =>
      `export { type ${name} as _${entry}_${index} } from "${specifier}";`
    );
    return [key, lines.join("\n")] as const;
  });
  Object.entries(PROJECTS).forEach(([title, options], index) => {
    Deno.test(`tsc accepts a project under ${title}`, async () => {
      const path = join(project, `tsconfig.${index}.json`);
      const compilerOptions = { ...COMPILER_OPTIONS, ...options };
      const file = `consumer.${index}.ts`;
      const known = uses.filter(([key]) => key !== NODE_ENTRY || options.typeRoots !== undefined);
      const text = [PROGRAM, ...known.map(([, lines]) => lines)].join("\n");
      await Deno.writeTextFile(join(project, file), text);
      await Deno.writeTextFile(path, JSON.stringify({ compilerOptions, files: [file] }));
      const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
      await printed(project, nodePath(), tsc, "--project", path);
    });
  });
}
