// The examples, started as their readers start them, on every runtime they are for.

import assert from "node:assert/strict";
import { join } from "node:path";
import { bunPath } from "../support/runtimes.ts";
import { echo, Example } from "./example_process.ts";
import { root } from "./source_files.ts";

const bun = bunPath();
const deno = Deno.execPath();

const ECHO_COMMANDS: Record<string, string[]> = {
  "deno run -A examples/echo.ts": [deno, "run", "-A", "examples/echo.ts"],
  "bun run examples/echo.ts": [bun, "run", "examples/echo.ts"],
};

for (const [line, command] of Object.entries(ECHO_COMMANDS)) {
  Deno.test(`${line} echoes on the port in PORT`, async () => {
    await using example = new Example(command, root, { PORT: "0" });
    const url = await example.printed(/ws:\/\/127\.0\.0\.1:\d+\//);
    assert.equal(await echo(url, "hello"), "hello");
  });
}

Deno.test("examples/echo.ts is about ten lines", async () => {
  const text = await Deno.readTextFile(join(root, "examples/echo.ts"));
  assert.ok(text.trim().split("\n").filter((line) => line !== "").length <= 10);
});

Deno.test("examples/echo.node.mjs is examples/echo.ts", async () => {
  const [typed, plain] = await Promise.all(
    ["echo.ts", "echo.node.mjs"].map((name) => Deno.readTextFile(join(root, "examples", name))),
  );
  assert.equal(plain!.replace(/^(\/\/.*\n)+/, ""), typed);
});

const DEMO_COMMANDS: Record<string, string[]> = {
  "deno task demo": [deno, "task", "demo"],
  "bun examples/demo/main.ts": [bun, "examples/demo/main.ts"],
};

for (const [line, command] of Object.entries(DEMO_COMMANDS)) {
  Deno.test(`${line} serves its page and echoes on the same port`, async () => {
    await using demo = new Example(command, root, { PORT: "0" });
    const page = await demo.printed(/http:\/\/127\.0\.0\.1:\d+\//);
    for (const [path, type] of [["", "html"], ["page.css", "css"], ["page.js", "javascript"]]) {
      const response = await fetch(page + path);
      assert.equal(response.status, 200);
      assert.match(response.headers.get("content-type") ?? "", new RegExp(`^text/${type}`));
      assert.ok((await response.text()).length > 0);
    }
    const missing = await fetch(`${page}nothing`);
    assert.equal(missing.status, 404);
    await missing.body?.cancel();
    assert.equal(await echo(page.replace("http", "ws"), "hello"), "hello");
    await demo.printed(/1 messages/);
  });
}

const DEMO_PROCESSES: Record<string, string[]> = {
  "Deno": [deno, "run", "-A", "examples/demo/main.ts"],
  "Bun": [bun, "examples/demo/main.ts"],
};

for (const [runtime, command] of Object.entries(DEMO_PROCESSES)) {
  Deno.test(`Ctrl-C closes the demo's connections with 1001 and ends it cleanly on ${runtime}`, async () => {
    await using demo = new Example(command, root, { PORT: "0" });
    const socket = new WebSocket(await demo.printed(/ws:\/\/127\.0\.0\.1:\d+\//));
    await new Promise((resolve) => socket.onopen = resolve);
    const closed = new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
    const status = await demo.interrupt();
    assert.equal((await closed).code, 1001);
    assert.equal(status.code, 0);
  });

  Deno.test(`the demo names PORT when its port is taken, on ${runtime}`, async () => {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const [program, ...args] = command;
    const { code, stderr } = await new Deno.Command(program!, {
      args,
      cwd: root,
      env: { PORT: String(taken.addr.port), NO_COLOR: "1" },
    }).output();
    assert.equal(code, 1);
    const message = new TextDecoder().decode(stderr);
    assert.match(message, new RegExp(`^Port ${taken.addr.port} is taken .*PORT=`));
  });

  Deno.test(`the demo refuses a PORT that is no port, on ${runtime}`, async () => {
    const [program, ...args] = command;
    for (const port of ["", "http", "-1", "65536", "80.5"]) {
      const { code, stderr } = await new Deno.Command(program!, {
        args,
        cwd: root,
        env: { PORT: port, NO_COLOR: "1" },
      }).output();
      assert.equal(code, 1);
      assert.match(new TextDecoder().decode(stderr), /^PORT is "/);
    }
  });
}

const SHARING_COMMANDS: Record<string, string[]> = {
  "deno run -A --unstable-net": [deno, "run", "-A", "--unstable-net"],
  "bun": [bun],
};

for (const [line, command] of Object.entries(SHARING_COMMANDS)) {
  Deno.test(`${line} examples/several_cores.ts spreads connections over its processes`, async () => {
    const port = freePort();
    await using example = new Example([...command, "examples/several_cores.ts"], root, {
      PORT: String(port),
      CORES: "2",
    });
    await example.printed(/(Process \d+ on ws:[^]*){2}/);
    const names = new Set<string>();
    // That one process gets all of so many has one chance in 2 ** 63.
    for (let opened = 0; opened < 64; opened++) names.add(await greeting(port));
    assert.equal(names.size, 2);
    assert.equal((await example.interrupt()).code, 0);
  });
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** The first message of a new connection. */
async function greeting(port: number): Promise<string> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
  const message = await new Promise<MessageEvent>((resolve) => socket.onmessage = resolve);
  const closed = new Promise((resolve) => socket.onclose = resolve);
  socket.close();
  await closed;
  return message.data;
}
