// Runs every code block of the documentation as pasted, on each runtime that it names, and checks
// the output in its comments. A block that listens on a port must keep running; any other block
// must exit. hosts_test.ts runs the blocks that need a host program.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { serve } from "../../mod.ts";
import { buildModule } from "../../ws/npm-build.ts";
import { root } from "../project/source_files.ts";
import { Broker } from "../support/brokers.ts";
import { need, type ProgramName } from "../support/need.ts";
import { builtForNode } from "../support/node_build.ts";
import { freePort } from "../support/ports.ts";
import { ListeningProgram } from "../support/proxy_programs.ts";
import { bunPath, nodePath, type RuntimeName } from "../support/runtimes.ts";
import { type Block, blocksOf, expectedLines, hosts, markdownFiles, services } from "./blocks.ts";

/** The milliseconds after which a block's process is killed and the test fails. */
const DEADLINE = 240_000;

/** Ports that blocks listen on or connect to. Each run replaces them with free ports. */
const PORTS = /\b(8080|8081|8082|8083|3000|8000)\b/g;

/** Matches a block that listens. */
const LISTENS =
  /\bport: (8\d{3}|3000)\b|\.listen\((8\d{3}|3000)|new (?:Server|WebSocketServer)\((8\d{3}|3000)/;

/** Matches a block that listens but exits. */
const ENDS = /process\.exit\(|\b(?:wss|server)\.(?:close|dispose)\(/;

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

function command(
  runtime: RuntimeName,
  name: string,
  code: string,
  env: Readonly<Record<string, string>>,
): Deno.Command {
  // Node resolves the library in the node_modules folder beside the file, Deno with deno.json.
  const file = runtime === "node"
    ? join(folder, `${name}.mjs`)
    : join(root, ".build", "blocks", `${name}.ts`);
  const path = runtime === "bun" ? join(folder, `${name}.ts`) : file;
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, code);
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
    signal: AbortSignal.timeout(DEADLINE),
  });
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

async function run(block: Block, runtime: RuntimeName, echoPort: number): Promise<void> {
  await using needed = await Services.start(block.needs);
  const opens = LISTENS.test(block.code);
  const listens = opens && !ENDS.test(block.code);
  const ports = new Map<string, number>();
  for (const [port] of opens ? block.code.matchAll(PORTS) : []) {
    if (!ports.has(port)) ports.set(port, await freePort());
  }
  let code = block.code.replaceAll(PORTS, (port) => String(ports.get(port) ?? echoPort));
  for (const [port, free] of needed.ports) code = code.replaceAll(port, String(free));
  const name = `${block.page.replaceAll(/[^a-zA-Z]/g, "_")}_${block.line}`;
  const child = command(runtime, name, code, needed.env).spawn();
  const left = new Set(expectedLines(code));
  let printed = "";
  const errors = new Response(child.stderr).text();
  let over = false;
  const status = child.status.finally(() => over = true);
  const reading = (async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      printed += text;
      for (const line of left) if (line.test(printed)) left.delete(line);
      if (listens && left.size === 0) break;
    }
  })();
  const where = (what: string): string =>
    `${block.page}:${block.line} on ${runtime} ${what}\n${code}\n--- printed\n${printed}`;
  try {
    if (!listens || left.size > 0) await Promise.race([reading, status]);
    if (listens) {
      for (const port of ports.values()) await untilListening(port, () => over);
      if (!over) return;
    }
    const { code: exitCode } = await status;
    await reading;
    assert.equal(exitCode, 0, where(`failed\n${await errors}`));
    assert.ok(!listens, where("exited, although it listens"));
    assert.deepEqual([...left].map(String), [], where("does not print the output in its comments"));
  } finally {
    if (!over) child.kill("SIGKILL");
    await status;
    await errors.catch(() => {});
  }
}

/** Runs tasks, two at a time. */
async function inPairs(tasks: Array<() => Promise<void>>): Promise<void> {
  const next = async (): Promise<void> => {
    for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) await task();
  };
  await Promise.all([next(), next()]);
}

/** Registers a test for the blocks of a page that need the same services. */
function registerTest(page: string, names: string, blocks: readonly Block[]): void {
  const programs = services.filter((name) => names.split(" ").includes(name))
    .flatMap((name) => PROGRAMS[name]);
  const beside = names === "" ? "" : `, beside ${names}`;
  need(...programs)(`the code blocks of ${page} run as pasted${beside}`, async () => {
    await using echo = await serve({ port: 0, message: (conn, data) => void conn.send(data) });
    await inPairs(
      blocks.flatMap((block) =>
        block.runtimes.map((runtime) => () => run(block, runtime, echo.port))
      ),
    );
  });
}

for (const page of markdownFiles()) {
  const programs = blocksOf(page).filter(({ needs }) =>
    !needs.some((word) => (hosts as readonly string[]).includes(word))
  );
  for (const [names, blocks] of Map.groupBy(programs, ({ needs }) => needs.join(" "))) {
    registerTest(page, names, blocks);
  }
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
