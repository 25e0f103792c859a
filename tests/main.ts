// `deno task test`: runs the tests in groups, several at the same time, because many tests wait for
// other processes or timers. Arguments select groups: `deno task test behaviour ws`. `unit` selects
// all groups that start no other programs.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { builtForNode } from "./support/node_build.ts";

/**
 * The slowest folders and files. They start first, in this order. A file in the list runs apart
 * from the rest of its folder. Each file of the behavior suites keeps both cores of a small machine
 * busy, so other groups that mostly wait are between them.
 */
const LONG = [
  "package",
  "examples",
  "interop",
  "doctor",
  "behaviour/node_test.ts",
  "units",
  "backplane",
  "behaviour/bun_test.ts",
  "faults",
  "behaviour/deno_test.ts",
];

/** The groups that start no other programs and need no `deno install`: `deno task test:unit`. */
const UNIT = [
  "entries",
  "client",
  "connection",
  "deflate",
  "handshake",
  "message",
  "proxy",
  "pubsub",
  "reconnect",
  "server",
  "session",
  "shared",
  "transport",
  "wire",
];

/** Without `deno install`, Deno downloads the few packages that these tests import. */
const PACKAGES = existsSync("node_modules") ? [] : ["--node-modules-dir=none"];

/** The number of concurrent runs. More than half of the time, a run waits. */
const JOBS = 4;

/** Tests that need the whole machine: `deno task test:load` runs them. */
const LEFT_OUT = ["tests/bench/guard_test.ts", "tests/siege/siege_test.ts"];

/** A process of `deno test`. */
interface Run {
  readonly name: string;
  /** The folder in `tests`, or another name that selects this run. */
  readonly group: string;
  /** The arguments of `deno test`. */
  readonly args: string[];
}

function* testFiles(folder: string): Generator<string, void> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* testFiles(path);
    else if (name.endsWith("_test.ts") && !LEFT_OUT.includes(path)) yield path;
  }
}

function findRuns(): Run[] {
  const runs = new Map(LONG.map((name): [string, Run] => [name, createRun(name)]));
  for (const file of [...testFiles("tests")].sort()) {
    const [, path, folder = "entries"] = /^tests\/(([^/]+)\/.*|.*)$/.exec(file)!;
    const name = runs.has(path!) ? path! : folder;
    if (!runs.has(name)) runs.set(name, createRun(name));
    runs.get(name)!.args.push(file);
  }
  for (const { name, args } of runs.values()) {
    if (args.length === 0) throw new Error(`There are no tests in tests/${name}: change LONG`);
  }
  return [...runs.values()];
}

function createRun(name: string): Run {
  return { name, group: name.split("/")[0]!, args: [] };
}

/** The line at which `deno test` starts to print the errors of failed tests. */
const ERRORS = /^ ERRORS\s*$/m;

/** The duration of each run in seconds. */
const durations = new Map<string, number>();

/**
 * Writes a module that imports the files of a run, and returns a run of that module. For each file,
 * `deno test` would load the library again, which takes longer than many of the tests.
 */
async function joinFiles(folder: string, run: Run): Promise<Run> {
  const { name, args } = run;
  if (args.length === 1) return run;
  const path = join(folder, `${name}_test.ts`);
  const urls = args.map((file) => pathToFileURL(join(Deno.cwd(), file)).href);
  await Deno.writeTextFile(path, urls.map((url) => `import "${url}";\n`).join(""));
  return { ...createRun(name), args: ["--config", "deno.json", path] };
}

/** Executes a run and prints its output. Returns the report of its failures, if there are any. */
async function execute({ name, args }: Run): Promise<string | undefined> {
  const began = performance.now();
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "--allow-all", "--no-check", ...PACKAGES, ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const seconds = Math.round((performance.now() - began) / 1000);
  durations.set(name, seconds);
  console.log(`\n== ${name} (${seconds} s)`);
  await Deno.stdout.write(stdout);
  await Deno.stderr.write(stderr);
  if (success) return undefined;
  const printed = new TextDecoder().decode(stdout);
  const from = printed.search(ERRORS);
  return from < 0 ? printed.slice(-2000) + new TextDecoder().decode(stderr) : printed.slice(from);
}

const runs = findRuns();
const groups = new Set(runs.map(({ group }) => group));
const wanted = Deno.args.flatMap((name) => name === "unit" ? UNIT : [name]);
const unknown = wanted.filter((name) => !groups.has(name));
if (unknown.length > 0) {
  console.error(`Unknown groups: ${unknown.join(", ")}. Known: ${[...groups].join(", ")}`);
  Deno.exit(2);
}
const left = runs.filter(({ group }) => wanted.length === 0 || wanted.includes(group));
const failures = new Map<string, string>();

async function work(): Promise<void> {
  for (let next = left.shift(); next !== undefined; next = left.shift()) {
    const failure = await execute(await joinFiles(folder, next));
    if (failure !== undefined) failures.set(next.name, failure);
  }
}

const began = performance.now();
// Builds once, before several runs need it at the same time.
if (wanted.length === 0 || wanted.some((name) => !UNIT.includes(name))) builtForNode("mod.ts");
const folder = await Deno.makeTempDir();
await Promise.all(Array.from({ length: JOBS }, work));
await Deno.remove(folder, { recursive: true });

const longest = [...durations].sort(([, a], [, b]) => b - a);
const total = Math.round((performance.now() - began) / 1000);
console.log(`\n== total: ${total} seconds`);
console.log(longest.map(([name, seconds]) => `${name} ${seconds}`).join(", "));
// Repeated at the end, because long logs are often truncated.
for (const [name, report] of failures) {
  // Omits the counts, which were already printed.
  console.log(`\n== failed: ${name}\n${report.replace(/^FAILED \|.*$/m, "")}`);
}
if (failures.size > 0) {
  console.log(`Failed groups: ${[...failures.keys()].join(", ")}`);
  Deno.exit(1);
}
