// Type-checks the backplanes with real broker clients, and the documentation examples that need a
// broker to run.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { root } from "../project/source_files.ts";
import { typeErrors, typeProgram } from "../support/type_program.ts";

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

const WRONG = [
  "redisBackplane({});",
  'redisBackplane("redis://localhost");',
  "natsBackplane(new Redis());",
  "redisBackplane(await connect());",
];

/** Returns the type errors of each module. */
function diagnose(texts: string[]): string[][] {
  const directory = join(root, ".build", "client_types");
  mkdirSync(directory, { recursive: true });
  const paths = texts.map((text, i) => {
    const path = join(directory, `module_${i}.ts`);
    writeFileSync(path, `${text}\nexport {};\n`);
    return path;
  });
  const program = typeProgram(paths, ["esnext"]);
  return paths.map((path) =>
    typeErrors(program, path)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))
  );
}

/** Returns the examples in a file that need a broker. */
function examples(path: string): string[] {
  const text = readFileSync(join(root, path), "utf8").replaceAll(/^ \* ?/gm, "");
  return [...text.matchAll(/^```ts (?:ignore|redis|nats)\n([^]*?)^```$/gm)].map(([, example]) =>
    example!
  );
}

Deno.test("accepts real clients, rejects other objects, and compiles the examples", () => {
  const pages = ["src/redis.ts", "src/nats.ts", "docs/topics.md", "docs/guide/machines.md"];
  const shown = pages.flatMap(examples);
  assert.equal(shown.length, 9);
  const right = [CLIENTS, ...shown];
  const wrong = WRONG.map((line) => CLIENTS + line);
  const found = diagnose([...right, ...wrong]);
  assert.deepEqual(found.slice(0, right.length), right.map(() => []));
  for (const [i, messages] of found.slice(right.length).entries()) {
    assert.equal(messages.length, 1, `${WRONG[i]}: ${messages}`);
    assert.match(messages[0]!, /not assignable/);
  }
});
