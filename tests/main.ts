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

/** Runs one group and prints what it printed. Returns whether it passed. */
async function run(name: string, args: string[]): Promise<boolean> {
  const began = performance.now();
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "--allow-all", "--no-check", `--ignore=${LEFT_OUT}`, ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const seconds = Math.round((performance.now() - began) / 1000);
  console.log(`\n== ${name} (${seconds} s)`);
  await Deno.stdout.write(stdout);
  await Deno.stderr.write(stderr);
  return success;
}

const groups = findGroups();
const unknown = Deno.args.filter((name) => !groups.has(name));
if (unknown.length > 0) {
  console.error(`Unknown groups: ${unknown.join(", ")}. Known: ${[...groups.keys()].join(", ")}`);
  Deno.exit(2);
}
const left = [...groups].filter(([name]) => Deno.args.length === 0 || Deno.args.includes(name));
const failed: string[] = [];

async function work(): Promise<void> {
  for (let next = left.shift(); next !== undefined; next = left.shift()) {
    const [name, args] = next;
    if (!await run(name, args)) failed.push(name);
  }
}

await Promise.all(Array.from({ length: JOBS }, work));
if (failed.length > 0) {
  console.log(`\nFailed groups: ${failed.join(", ")}`);
  Deno.exit(1);
}
