// `deno task test`: runs the tests in groups, several side by side, because most of them wait for other
// processes. Arguments name the groups to run: `deno task test behaviour ws`.

/** Groups that take long, which start first. */
const LONG = [
  "behaviour",
  "interop",
  "backplane",
  "doctor",
  "package",
  "units",
  "examples",
  "docs",
];

/** Groups that run at the same time. */
const JOBS = 3;

/** Measures speed, which needs a quiet machine: `.ci/run` runs it by itself. */
const LEFT_OUT = "tests/bench/guard_test.ts";

/** The arguments of `deno test` by the names of the groups. */
function findGroups(): Map<string, string[]> {
  const groups = new Map<string, string[]>(LONG.map((name) => [name, [`tests/${name}`]]));
  const files: string[] = [];
  for (const { name, isDirectory } of Deno.readDirSync("tests")) {
    if (name.endsWith("_test.ts")) files.push(`tests/${name}`);
    else if (isDirectory && hasTests(`tests/${name}`)) groups.set(name, [`tests/${name}`]);
  }
  groups.set("entries", files.sort());
  groups.set("examples in docstrings", ["--doc", "mod.ts", "src", "doctor/main.ts"]);
  return groups;
}

function hasTests(folder: string): boolean {
  return [...Deno.readDirSync(folder)].some(({ name, isDirectory }) =>
    name.endsWith("_test.ts") || (isDirectory && hasTests(`${folder}/${name}`))
  );
}

/** Where `deno test` begins to print the errors of failed tests. */
const ERRORS = /^ ERRORS\s*$/m;

/** Runs one group and prints its output. Returns the report of its failures, if there are any. */
async function run(name: string, args: string[]): Promise<string | undefined> {
  const began = performance.now();
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "--allow-all", "--no-check", `--ignore=${LEFT_OUT}`, ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const seconds = Math.round((performance.now() - began) / 1000);
  console.log(`\n== ${name} (${seconds} s)`);
  await Deno.stdout.write(stdout);
  await Deno.stderr.write(stderr);
  if (success) return undefined;
  const printed = new TextDecoder().decode(stdout);
  const from = printed.search(ERRORS);
  return from < 0 ? printed.slice(-2000) + new TextDecoder().decode(stderr) : printed.slice(from);
}

const groups = findGroups();
const unknown = Deno.args.filter((name) => !groups.has(name));
if (unknown.length > 0) {
  console.error(`Unknown groups: ${unknown.join(", ")}. Known: ${[...groups.keys()].join(", ")}`);
  Deno.exit(2);
}
const left = [...groups].filter(([name]) => Deno.args.length === 0 || Deno.args.includes(name));
const failures = new Map<string, string>();

async function work(): Promise<void> {
  for (let next = left.shift(); next !== undefined; next = left.shift()) {
    const [name, args] = next;
    const failure = await run(name, args);
    if (failure !== undefined) failures.set(name, failure);
  }
}

await Promise.all(Array.from({ length: JOBS }, work));
// Once more at the end, since a long log is often cut.
for (const [name, report] of failures) {
  // Not with the counts, which are printed already.
  console.log(`\n== failed: ${name}\n${report.replace(/^FAILED \|.*$/m, "")}`);
}
if (failures.size > 0) {
  console.log(`Failed groups: ${[...failures.keys()].join(", ")}`);
  Deno.exit(1);
}
