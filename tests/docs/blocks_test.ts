// Runs every code block of the documentation as pasted, on each runtime that it names, and checks
// the output in its comments. A block that listens on a port must keep running; any other block
// must exit. hosts_test.ts runs the blocks that need a host program.
//
// A process and its first use of the library take most of the time, so that blocks of the same kind
// share a process. Each one is a module of its own, with ports of its own.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { serve } from "../../mod.ts";
import { buildModule } from "../../ws/npm-build.ts";
import { root } from "../project/source_files.ts";
import { Broker } from "../support/brokers.ts";
import { need, type ProgramName } from "../support/need.ts";
import { builtForNode } from "../support/node_build.ts";
import { canBind } from "../support/ports.ts";
import { ListeningProgram } from "../support/proxy_programs.ts";
import { bunPath, nodePath, type RuntimeName, runtimeNames } from "../support/runtimes.ts";
import { type Block, blocksOf, expectedLines, hosts, markdownFiles, services } from "./blocks.ts";

/** The milliseconds after which a block's process is killed and the test fails. */
const DEADLINE = 120_000;

/** Ports that blocks listen on or connect to. Each run replaces them with free ports. */
const PORTS = /\b(8080|8081|8082|8083|3000|8000)\b/g;

/** Matches a block that listens. */
const LISTENS =
  /\bport: (8\d{3}|3000)\b|\.listen\((8\d{3}|3000)|new (?:Server|WebSocketServer)\((8\d{3}|3000)/;

/** Matches a block that listens but exits. */
const ENDS = /process\.exit\(|\b(?:wss|server)\.(?:close|dispose)\(|^await server\.shutdown\(/m;

/** Matches a block that ends its process or replaces globals. */
const ALONE = /\bprocess\.exit\(|\binstall\(/;

function keepsListening({ code }: Block): boolean {
  return LISTENS.test(code) && !ENDS.test(code);
}

/** The programs of each service. */
const PROGRAMS: Readonly<Record<typeof services[number], readonly ProgramName[]>> = {
  redis: ["redis-server"],
  nats: ["nats-server"],
  proxies: ["microsocks", "tinyproxy"],
};

const folder = join(builtForNode(join(root, "mod.ts")), "..", "blocks");
mkdirSync(folder, { recursive: true });
// Blocks also import the package that replaces `ws`.
await buildModule(join(folder, "node_modules", "@quickws", "ws"));

/**
 * Apart from the ports of other tests, because many are chosen long before they are used. Linux has
 * no ephemeral ports above 60,999.
 */
let nextPort = 61_000 + Math.floor(Math.random() * 4000);

async function blockPort(): Promise<number> {
  for (;;) {
    const port = nextPort++;
    if (await canBind(port)) return port;
  }
}

/** A block in a process. */
interface Program {
  readonly origin: string;
  /** The file name of the module. */
  readonly name: string;
  readonly code: string;
  /** The ports that it listens on. */
  readonly ports: readonly number[];
  printed: string;
}

/** Returns a block with other ports. */
async function programOf(
  { page, line, code }: Block,
  runtime: RuntimeName,
  echoPort: number,
  servicePorts: ReadonlyMap<string, number>,
): Promise<Program> {
  const ports = new Map<string, number>();
  for (const [port] of LISTENS.test(code) ? code.matchAll(PORTS) : []) {
    if (!ports.has(port)) ports.set(port, await blockPort());
  }
  let replaced = code.replaceAll(PORTS, (port) => String(ports.get(port) ?? echoPort));
  for (const [port, free] of servicePorts) replaced = replaced.replaceAll(port, String(free));
  return {
    origin: `${page}:${line}`,
    name: `${page.replaceAll(/[^a-zA-Z]/g, "_")}_${line}.${runtime === "node" ? "mjs" : "ts"}`,
    code: replaced,
    ports: [...ports.values()],
    printed: "",
  };
}

/** Precedes each output of a block in a shared process, together with the name of its module. */
const MARK = "\u0001";

/** Returns a module that imports blocks. It finds the block that prints in the stack. */
function mainModule(programs: readonly Program[]): string {
  return `const { log } = console;
console.log = (...values) => {
  log("${MARK}" + /\\w+_md_\\d+\\.\\w+/.exec(new Error().stack));
  log(...values);
};
await Promise.all([${programs.map(({ name }) => `import("./${name}")`)}]);
`;
}

/** Starts a process with one block as its main module, or with several blocks. */
function start(
  runtime: RuntimeName,
  programs: readonly Program[],
  env: Readonly<Record<string, string>>,
): Deno.ChildProcess {
  // Node resolves the library in the node_modules folder beside the file, Deno with deno.json.
  const place = runtime === "deno" ? join(root, ".build", "blocks") : folder;
  mkdirSync(place, { recursive: true });
  for (const { name, code } of programs) writeFileSync(join(place, name), code);
  let path = join(place, programs[0]!.name);
  if (programs.length > 1) {
    path = join(place, `main${extname(path)}`);
    writeFileSync(path, mainModule(programs));
  }
  const [program, args] = runtime === "deno"
    ? [Deno.execPath(), ["run", "--quiet", "--no-lock", "--allow-all", path]] as const
    : runtime === "bun"
    ? [bunPath(), ["run", path]] as const
    : [nodePath(), [path]] as const;
  return new Deno.Command(program, {
    args: [...args],
    cwd: root,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Assigns the output of a process to its blocks. */
function assignOutput(output: string, programs: readonly Program[]): void {
  const [first, ...parts] = output.split(MARK);
  for (const program of programs) {
    const start = `${program.name}\n`;
    const own = parts.filter((part) => part.startsWith(start));
    program.printed = programs.length === 1
      ? first!
      : own.map((part) => part.slice(start.length)).join("");
  }
}

/** Returns whether a block printed the output in its comments. */
function isComplete({ code, printed }: Program): boolean {
  return expectedLines(code).every((line) => line.test(printed));
}

/** Waits until a port accepts connections. */
async function untilListening(port: number, ended: () => boolean): Promise<void> {
  while (!ended()) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** The services of a block, keyed by the port in the block. */
class Services implements AsyncDisposable {
  readonly ports = new Map<string, number>();
  readonly env: Record<string, string> = {};
  readonly #stack = new AsyncDisposableStack();

  static async start(names: readonly string[]): Promise<Services> {
    const started = new Services();
    try {
      if (names.includes("redis")) await started.#startBroker("redis", "6379");
      if (names.includes("nats")) await started.#startBroker("nats", "4222");
      if (names.includes("proxies")) await started.#startProxies();
    } catch (error) {
      await started[Symbol.asyncDispose]();
      throw error;
    }
    return started;
  }

  async #startBroker(name: "redis" | "nats", port: string): Promise<void> {
    const broker = this.#stack.use(await Broker.start(name));
    this.ports.set(port, broker.port);
    if (name === "redis") this.env.REDIS_URL = broker.url;
  }

  async #startProxies(): Promise<void> {
    const directory = await Deno.makeTempDir();
    this.#stack.defer(() => Deno.remove(directory, { recursive: true }));
    const context = { after: (cleanUp: () => void | Promise<void>) => this.#stack.defer(cleanUp) };
    const host = "127.0.0.1";
    const socks = await ListeningProgram.start(
      context,
      "microsocks",
      host,
      (port) => ["-i", host, "-p", `${port}`],
    );
    const http = await ListeningProgram.start(context, "tinyproxy", host, (port) => {
      const path = join(directory, "tinyproxy.conf");
      writeFileSync(path, `Port ${port}\nListen ${host}\nTimeout 60\n`);
      return ["-d", "-c", path];
    });
    this.ports.set("1080", socks.port).set("3128", http.port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** Runs blocks in one process. */
async function run(blocks: readonly Block[], runtime: RuntimeName, echo: number): Promise<void> {
  await using needed = await Services.start(blocks[0]!.needs);
  const programs: Program[] = [];
  for (const block of blocks) programs.push(await programOf(block, runtime, echo, needed.ports));
  const listens = keepsListening(blocks[0]!);
  const child = start(runtime, programs, needed.env);
  // Not SIGTERM, which starts a graceful shutdown in some blocks.
  const timer = setTimeout(() => child.kill("SIGKILL"), DEADLINE);
  const errors = new Response(child.stderr).text();
  let over = false;
  const status = child.status.finally(() => over = true);
  const reading = (async () => {
    let output = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      output += text;
      assignOutput(output, programs);
      if (listens && programs.every(isComplete)) break;
    }
  })();
  const where = (what: string, which = programs): string =>
    `on ${runtime} ${what}\n` +
    which.map(({ origin, code, printed }) => `=== ${origin}\n${code}--- printed\n${printed}`)
      .join("\n");
  try {
    if (!listens || !programs.every(isComplete)) await Promise.race([reading, status]);
    if (listens) {
      const ports = programs.flatMap(({ ports }) => ports);
      // The second round shows that they keep listening.
      for (const port of [...ports, ...ports]) await untilListening(port, () => over);
      if (!over) return;
    }
    const { code: exitCode } = await status;
    await reading;
    assert.equal(exitCode, 0, where(`failed\n${await errors}`));
    assert.ok(!listens, where("exited, although it listens"));
    const incomplete = programs.filter((program) => !isComplete(program));
    const message = where("does not print the output in its comments", incomplete);
    assert.equal(incomplete.length, 0, message);
  } finally {
    clearTimeout(timer);
    if (!over) child.kill("SIGKILL");
    await status;
    await errors.catch(() => {});
  }
}

/**
 * Runs blocks in one process. If that fails, each block runs in its own process, to find the cause.
 * If none fails there, the cause may be a busy machine, and they run together again.
 */
async function runTogether(...[blocks, runtime, echo]: Parameters<typeof run>): Promise<void> {
  try {
    await run(blocks, runtime, echo);
  } catch (error) {
    if (blocks.length === 1) throw error;
    for (const block of blocks) await run([block], runtime, echo);
    await run(blocks, runtime, echo);
  }
}

/** Registers a test for blocks that can run in one process. */
function registerTest(name: string, blocks: readonly Block[]): void {
  const { needs } = blocks[0]!;
  const programs = services.filter((service) => needs.includes(service))
    .flatMap((service) => PROGRAMS[service]);
  need(...programs)(`the code blocks that ${name} run as pasted`, async () => {
    await using echo = await serve({ port: 0, message: (conn, data) => void conn.send(data) });
    await Promise.all(runtimeNames.map(async (runtime) => {
      const chosen = blocks.filter(({ runtimes }) => runtimes.includes(runtime));
      if (chosen.length > 0) await runTogether(chosen, runtime, echo.port);
    }));
  });
}

const programs = markdownFiles().flatMap(blocksOf).filter(({ needs }) =>
  !needs.some((word) => (hosts as readonly string[]).includes(word))
);
for (
  const [name, blocks] of Map.groupBy(programs, (block) => {
    const { page, line, code, needs } = block;
    const alone = ALONE.test(code) ? [`(${page}:${line})`] : [];
    const beside = needs.map((service) => `beside ${service}`);
    return [keepsListening(block) ? "listen" : "exit", ...beside, ...alone].join(" ");
  })
) {
  registerTest(name, blocks);
}

Deno.test("every code block is tested", () => {
  // Languages that other tests check, or that are not programs.
  const others = /^(?:sh|json|yaml|dockerfile|nginx|haproxy|caddyfile|html|go|mermaid|text)?$/;
  for (const page of markdownFiles()) {
    const text = readFileSync(join(root, page), "utf8");
    const fences = [...text.matchAll(/^(.*?)(?:`{3,}|~{3,})(.*)$/gm)];
    const opening = fences.filter((_, index) => index % 2 === 0);
    for (const [fence, indent, language] of opening) {
      assert.equal(indent, "", `${page}: a block is indented: ${fence}`);
      const [name] = language!.split(" ");
      assert.ok(/^(?:ts|js)$/.test(name!) || others.test(name!), `${page}: ${fence}`);
    }
    for (const [, json] of text.matchAll(/^```json\n([^]*?)^```$/gm)) JSON.parse(json!);
  }
});
