// How files are laid out: each source file has its test and is about one idea, nothing is left open.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { doctorSources, librarySources, place, root, sourcesBelow, visit } from "./source_files.ts";

const MAX_LINES = 300;

/** Source files over {@linkcode MAX_LINES} lines, and why each is still one idea. */
const LONG_FILES: Record<string, string> = {
  "src/errors.ts": "the list of all that can go wrong, which is to be seen at once",
  "src/session/session.ts": "one state machine; its states can't be read apart",
  "src/socket/channel.ts":
    "the one place where all parts of a connection meet: mostly a line a member",
  "src/socket/connection.ts": "the public class: four lines of documentation to one of code",
};

/**
 * Source files that are tested by a file of another name, and by which. Files that hold nothing but
 * types need no entry.
 */
const TESTED_ELSEWHERE: Record<string, string> = {
  "mod.ts": "tests/project/exports_test.ts",
  "src/public.ts": "tests/project/exports_test.ts",
  "src/core.ts": "tests/project/exports_test.ts",
  "src/deno.ts": "tests/project/exports_test.ts",
  "src/bun.ts": "tests/project/exports_test.ts",
  "src/node.ts": "tests/project/exports_test.ts",
  // One suite for the port, on the runtimes themselves.
  "src/transport/bun.ts": "tests/behaviour/behaviour_test.ts",
  "src/transport/bun_api.ts": "tests/behaviour/behaviour_test.ts",
  "src/transport/bun_transport.ts": "tests/behaviour/behaviour_test.ts",
  "src/transport/deno.ts": "tests/behaviour/behaviour_test.ts",
  "src/transport/deno_transport.ts": "tests/behaviour/behaviour_test.ts",
  "src/transport/node.ts": "tests/behaviour/behaviour_test.ts",
  "src/transport/node_tls_stream.ts": "tests/behaviour/behaviour_test.ts",
  "src/transport/node_tls.ts": "tests/behaviour/behaviour_test.ts",
  "src/transport/node_transport.ts": "tests/behaviour/behaviour_test.ts",
  // On real engines, with the clients themselves, on the runtimes.
  "src/engines/redis/node_redis.ts": "tests/behaviour/engines_suite.ts",
  "src/engines/redis/ioredis.ts": "tests/behaviour/engines_suite.ts",
  "src/engines/redis/bun_redis.ts": "tests/behaviour/engines_suite.ts",
  "src/engines/redis/link.ts": "tests/behaviour/engines_suite.ts",
  "src/engines/redis/redis_backplane.ts": "tests/behaviour/engines_suite.ts",
  "src/engines/redis/history.ts": "tests/behaviour/engines_suite.ts",
  "src/engines/redis/scripts.ts": "tests/behaviour/engines_suite.ts",
  "src/engines/nats/nats_backplane.ts": "tests/behaviour/engines_suite.ts",
  "src/engines/nats/history.ts": "tests/behaviour/engines_suite.ts",
  "src/engines/nats/stream.ts": "tests/behaviour/engines_suite.ts",
  // The doctor as a process, on every runtime, with clients and servers that are healthy or not.
  "doctor/network.ts": "tests/doctor/conformance_test.ts",
  "doctor/open_to_client.ts": "tests/doctor/examine_clients_test.ts",
  "doctor/open_to_server.ts": "tests/doctor/examine_server_test.ts",
  "doctor/converse.ts": "tests/doctor/examine_server_test.ts",
  "doctor/transcript.ts": "tests/doctor/judge_test.ts",
  "doctor/report_style.ts": "tests/doctor/report_html_test.ts",
  "doctor/cases/bomb.ts": "tests/doctor/bomb_test.ts",
};

/** Cases are data, and tested as such. */
const CASES = "doctor/cases/";

/** Written in two parts, so that these very lines do not count as left open. */
const OPEN_ENDS = new RegExp(
  `\\b(${["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"].join("|")})\\b` +
    `|@ts-(${["ig" + "nore", "no" + "check", "expect" + "-error"].join("|")})` +
    "|\\bDeno\\.test\\.(only|ignore)\\b|\\bignore: true\\b",
);

const published = [...librarySources(), ...doctorSources()];
const everything = [
  ...published,
  ...["tests", "bench", "examples"].flatMap(sourcesBelow),
];

function lineCount(text: string): number {
  return text.trimEnd().split("\n").length;
}

/** The path of the test that mirrors a source file: `src/a/b.ts` has `tests/a/b_test.ts`. */
function testOf(path: string): string {
  return path.replace(/^(src\/)?/, "tests/").replace(/\.ts$/, "_test.ts");
}

/** Whether nothing of a file is left once its types are taken away. */
function holdsOnlyTypes(text: string): boolean {
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: {
      target: ts.ScriptTarget.Latest,
      module: ts.ModuleKind.ESNext,
      removeComments: true,
    },
  });
  return outputText.replace("export {};", "").trim() === "";
}

Deno.test("every source file has a test file of its own", () => {
  const untested = published.filter(({ path, text }) =>
    !existsSync(join(root, testOf(path))) &&
    !existsSync(join(root, TESTED_ELSEWHERE[path] ?? "no such file")) &&
    !path.startsWith(CASES) &&
    !holdsOnlyTypes(text)
  );
  assert.deepEqual(untested.map(({ path }) => `${path} needs ${testOf(path)}`), []);
});

Deno.test("the list of files tested elsewhere holds no file that needs no entry", () => {
  const paths = new Set(published.map(({ path }) => path));
  const stale = Object.keys(TESTED_ELSEWHERE)
    .filter((path) => !paths.has(path) || existsSync(join(root, testOf(path))));
  assert.deepEqual(stale, []);
});

Deno.test("a source file is short, or there is a reason why not", () => {
  const long = published
    .filter(({ path, text }) => lineCount(text) > MAX_LINES && LONG_FILES[path] === undefined)
    .map(({ path, text }) => `${path}: ${lineCount(text)} lines`);
  assert.deepEqual(long, []);
  const stale = Object.keys(LONG_FILES).filter((path) =>
    !published.some((file) => file.path === path && lineCount(file.text) > MAX_LINES)
  );
  assert.deepEqual(stale, [], "no longer long");
});

Deno.test("nothing is left open and no test is switched off", () => {
  const found = everything.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, index) =>
      OPEN_ENDS.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : []
    )
  );
  assert.deepEqual(found, []);
});

Deno.test("no type is left open and no enum is declared", () => {
  const found: string[] = [];
  for (const file of everything) {
    visit(file.tree, (node) => {
      if (node.kind === ts.SyntaxKind.AnyKeyword || ts.isEnumDeclaration(node)) {
        found.push(place(file, node));
      }
    });
  }
  assert.deepEqual(found, []);
});

Deno.test("what is published is ASCII", () => {
  // deno-lint-ignore no-control-regex
  const found = published.filter(({ text }) => /[^\x00-\x7f]/.test(text)).map(({ path }) => path);
  assert.deepEqual(found, []);
});
