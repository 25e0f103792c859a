// Runs the code blocks that need a host program: a page, a Worker, the Vite development server, or
// Bun with a preloaded file. Next.js and Fresh are not installed. Stubs with the same interface
// replace them, so these tests cover only the library's lines.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { connect, type ReconnectingConnection, serve } from "../../mod.ts";
import { buildModule } from "../../ws/npm-build.ts";
import { Example } from "../project/example_process.ts";
import { root } from "../project/source_files.ts";
import { openChromium } from "../support/browsers.ts";
import { Queue } from "../support/live_harness.ts";
import { need } from "../support/need.ts";
import { builtForNode } from "../support/node_build.ts";
import { freePort } from "../support/ports.ts";
import { bunPath, nodePath } from "../support/runtimes.ts";
import { startWorkerd } from "../support/workerd.ts";
import { type Block, blocksIn, expectedLines } from "./blocks.ts";

/** Creates a folder with its own `node_modules`, where Node and Bun find the library. */
function project(name: string): string {
  const directory = join(dirname(builtForNode(join(root, "mod.ts"))), "blocks", name);
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** Connects as soon as the server listens. */
function connectTo(url: string): Promise<ReconnectingConnection> {
  return connect(url, { reconnect: { minDelay: 20, maxDelay: 20, retry: () => true } });
}

/** Sends a message and returns the next one. */
async function exchange(conn: ReconnectingConnection, message: string): Promise<unknown> {
  conn.send(message);
  for await (const data of conn) return data;
  return undefined;
}

/** Asserts that a URL echoes a message. */
async function assertEchoes(url: string): Promise<void> {
  const conn = await connectTo(url);
  assert.equal(await exchange(conn, "hello"), "hello");
  conn.close();
  await conn.closed;
}

function only(blocks: readonly Block[]): Block {
  assert.equal(blocks.length, 1);
  return blocks[0]!;
}

for (const { page, line, code } of blocksIn("page")) {
  need("chromium")(`the code block at ${page}:${line} runs in a page`, async () => {
    const { outputFiles } = await build({
      stdin: { contents: code, resolveDir: root, loader: "ts" },
      alias: { "@quickws/quickws/browser": join(root, "src", "browser.ts") },
      bundle: true,
      format: "esm",
      write: false,
    });
    const html = '<!doctype html><script type="module" src="/page.js"></script>';
    const printed = new Queue<string>();
    await using server = await serve({
      port: 0,
      path: "/live",
      clientTopics: {
        allow: () => {
          setTimeout(() => server.publish("news", "it works"));
          return true;
        },
      },
      message: (conn, data) => void conn.send(data),
      fetch({ url, method }) {
        const { pathname } = new URL(url);
        if (pathname === "/ticket") {
          assert.equal(method, "POST");
          return new Response("a ticket");
        }
        const type = pathname === "/page.js" ? "text/javascript" : "text/html";
        const body = pathname === "/page.js" ? outputFiles[0]!.text : html;
        return new Response(body, { headers: { "content-type": type } });
      },
    });
    const browser = await openChromium("about:blank");
    try {
      browser.page.on("console", (message) => printed.push(message.text()));
      browser.page.on("pageerror", (error) => printed.push(String(error)));
      await browser.page.goto(`http://127.0.0.1:${server.port}/`);
      const expected = expectedLines(code);
      assert.ok(expected.length > 0);
      for (const pattern of expected) assert.match(await printed.next(), pattern);
    } finally {
      await browser.close();
    }
  });
}

Deno.test("the code blocks for Workers run in workerd", async () => {
  const blocks = blocksIn("worker");
  assert.equal(blocks.length, 2);
  for (const { code } of blocks) {
    const isRoom = code.includes("class Room");
    const contents = code.replace('"@quickws/quickws/workers"', '"./src/workers.ts"') +
      (isRoom ? "" : "export class Room {}\n");
    await using worker = await startWorkerd(contents);
    const url = `ws://127.0.0.1:${worker.port}/ws`;
    if (!isRoom) {
      await assertEchoes(url);
      continue;
    }
    const [first, second] = [await connectTo(url), await connectTo(url)];
    const received = second[Symbol.asyncIterator]().next();
    first.send("to the others");
    assert.equal((await received).value, "to the others");
    for (const conn of [first, second]) conn.close();
  }
});

Deno.test("the code block for Vite runs in its development server", async () => {
  const directory = project("vite");
  writeFileSync(join(directory, "vite.config.mjs"), only(blocksIn("vite")).code);
  writeFileSync(join(directory, "index.html"), "<!doctype html>");
  const port = await freePort();
  const vite = join(root, "node_modules", "vite", "bin", "vite.js");
  const args = ["--host", "127.0.0.1", "--port", `${port}`, "--strictPort"];
  await using server = new Example([nodePath(), vite, ...args], directory, {});
  await server.printed(/ready in/);
  await assertEchoes(`ws://127.0.0.1:${port}/ws`);
});

Deno.test("the code block for Next.js runs with a stub of Next.js", async () => {
  const directory = project("next");
  const stub = join(directory, "node_modules", "next");
  mkdirSync(stub, { recursive: true });
  writeFileSync(join(stub, "package.json"), '{ "name": "next", "main": "index.js" }');
  writeFileSync(
    join(stub, "index.js"),
    `module.exports = ({ dev }) => ({
      prepare: () => Promise.resolve(),
      getRequestHandler: () => (request, response) => response.end(String(dev)),
    });`,
  );
  const port = await freePort();
  const { code } = only(blocksIn("next"));
  writeFileSync(join(directory, "server.mjs"), code.replace("3000", String(port)));
  await using server = new Example([nodePath(), "server.mjs"], directory, {});
  await assertEchoes(`ws://127.0.0.1:${port}/ws`);
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), "true");
  assert.ok(server);
});

Deno.test("the code block for Fresh runs on Deno with a stub of Fresh", async () => {
  const directory = join(root, ".build", "blocks", "fresh");
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    join(directory, "fresh.js"),
    `export class App {
      get(_, handler) {
        this.page = handler;
        return this;
      }
      handler() {
        return () => this.page();
      }
    }`,
  );
  const { code } = only(blocksIn("fresh"));
  writeFileSync(join(directory, "main.ts"), code.replace('"fresh"', '"./fresh.js"'));
  const command = [Deno.execPath(), "run", "--quiet", "--no-lock", "--allow-all", "main.ts"];
  const port = await freePort();
  await using server = new Example(command, directory, {
    DENO_SERVE_ADDRESS: `tcp:127.0.0.1:${port}`,
  });
  await assertEchoes(`ws://127.0.0.1:${port}/ws`);
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), "plain HTTP");
  assert.ok(server);
});

Deno.test("after the preloaded code block, packages on Bun that require ws get this library", async () => {
  const directory = project("preload");
  await buildModule(join(directory, "node_modules", "@quickws", "ws"));
  // A package in node_modules that requires `ws`.
  const dependent = join(directory, "node_modules", "dependent");
  mkdirSync(dependent, { recursive: true });
  writeFileSync(join(dependent, "index.js"), 'module.exports = require("ws");');
  writeFileSync(join(directory, "use-quickws.cjs"), only(blocksIn("preload")).code);
  writeFileSync(
    join(directory, "main.cjs"),
    'console.log(require("dependent") === require("@quickws/ws"));',
  );
  const { stdout, stderr } = await new Deno.Command(bunPath(), {
    args: ["--preload", "./use-quickws.cjs", "main.cjs"],
    cwd: directory,
  }).output();
  const decoder = new TextDecoder();
  assert.equal(decoder.decode(stdout), "true\n", decoder.decode(stderr));
});
