// Part of `deno task check:docs`: checks that TypeScript code blocks compile under `strict`, and that
// the backplanes accept the real broker clients and reject other objects. Blocks marked `js` are
// plain JavaScript and are only run.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import ts from "typescript";
import { root } from "../project/source_files.ts";
import { typeErrors, typeProgram } from "../support/type_program.ts";
import { markdownFiles } from "./blocks.ts";

const directory = join(root, ".build", "block_types");
rmSync(directory, { recursive: true, force: true });
mkdirSync(directory, { recursive: true });

/** Every client that the backplanes accept. */
const CLIENTS = `
import { connect } from "@nats-io/transport-node";
import { RedisClient } from "bun";
import { Cluster, Redis } from "ioredis";
import { createClient } from "redis";
import { natsBackplane } from "@quickws/quickws/nats";
import { redisBackplane } from "@quickws/quickws/redis";

natsBackplane(await connect());
redisBackplane(new RedisClient());
redisBackplane(new Redis());
redisBackplane(new Cluster([]));
redisBackplane(createClient());
redisBackplane(createClient({ RESP: 2 }));
`;

/** Calls with one type error each. */
const MISTAKES = [
  "redisBackplane({});",
  'redisBackplane("redis://localhost");',
  "natsBackplane(new Redis());",
  "redisBackplane(await connect());",
];

/** Modules with blocks in docstrings that `deno check --doc-only` cannot check. */
const DOCSTRINGS = ["redis", "nats", "bun", "browser", "workers"].map((name) => `src/${name}.ts`);

function write(origin: string, text: string): string {
  const path = join(directory, `${origin.replaceAll(/[^a-zA-Z0-9]/g, "_")}.ts`);
  writeFileSync(path, `${text}\nexport {};\n`);
  return path;
}

/** The origin of each file that must compile. */
const origins = new Map([[write("clients of brokers", CLIENTS), "clients of brokers"]]);
for (const page of [...markdownFiles(), ...DOCSTRINGS]) {
  // In docstrings, each line of a block has a prefix.
  const text = readFileSync(join(root, page), "utf8").replaceAll(/^ \* ?/gm, "");
  for (const match of text.matchAll(/^```ts( [^\n]*)?\n([^]*?)^```$/gm)) {
    // The types of Deno and Fresh are not installed.
    if (/^ (?:deno|fresh)$/.test(match[1] ?? "")) continue;
    const line = text.slice(0, match.index).split("\n").length;
    const origin = `${page}:${line}`;
    origins.set(write(origin, match[2]!), origin);
  }
}
const mistakes = new Map(MISTAKES.map((line) => [write(line, CLIENTS + line), line]));

const program = typeProgram(
  [...origins.keys(), ...mistakes.keys()],
  ["esnext", "dom", "dom.iterable"],
);

let failures = 0;
for (const [path, line] of mistakes) {
  const messages = typeErrors(program, path).map(({ messageText }) =>
    ts.flattenDiagnosticMessageText(messageText, "\n")
  );
  if (messages.length === 1 && messages[0]!.includes("not assignable")) continue;
  failures++;
  console.error(`One type error is expected of ${line} Found: ${JSON.stringify(messages)}`);
}
for (const [path, origin] of origins) {
  const file = program.getSourceFile(path)!;
  for (const { messageText, start } of typeErrors(program, path)) {
    failures++;
    const { line } = file.getLineAndCharacterOfPosition(start ?? 0);
    const message = ts.flattenDiagnosticMessageText(messageText, "\n").split("\n")[0];
    console.error(`${origin} (line ${line + 1} of ${basename(path)}): ${message}`);
  }
}
console.log(`${origins.size} programs and ${mistakes.size} mistakes: ${failures} failures`);
process.exitCode = failures === 0 ? 0 : 1;
