// Runs one Worker in a real workerd (npm).

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { build } from "esbuild";

const CONFIG = `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["private", "public"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:PORT", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2026-01-01",
  durableObjectNamespaces = [(className = "Room", uniqueKey = "room")],
  durableObjectStorage = (inMemory = void),
  bindings = [(name = "ROOM", durableObjectNamespace = "Room")],
);
`;

/**
 * Starts workerd with a Worker. It is stopped when the test ends.
 *
 * @param contents The Worker's module, in TypeScript. Its imports are relative to the repository.
 * It must export the Durable Object `Room`.
 */
export async function startWorkerd(
  contents: string,
): Promise<AsyncDisposable & { readonly origin: string; readonly port: number }> {
  const directory = await Deno.makeTempDir();
  const { outputFiles } = await build({
    stdin: {
      contents,
      resolveDir: new URL("../..", import.meta.url).pathname,
      loader: "ts",
    },
    bundle: true,
    format: "esm",
    conditions: ["workerd"],
    write: false,
  });
  assert.doesNotMatch(outputFiles[0]!.text, /from "node:/);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await Deno.writeTextFile(`${directory}/worker.js`, outputFiles[0]!.text);
  await Deno.writeTextFile(`${directory}/config.capnp`, CONFIG.replace("PORT", String(port)));
  const require = createRequire(createRequire(import.meta.url).resolve("workerd/package.json"));
  const program = require.resolve("@cloudflare/workerd-linux-64/bin/workerd");
  const child: ChildProcess = spawn(program, ["serve", `${directory}/config.capnp`], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  let isOver = false;
  const exited = new Promise<void>((resolve) =>
    child.on("exit", () => {
      isOver = true;
      resolve();
    })
  );
  const origin = `http://127.0.0.1:${port}`;
  while (!isOver) {
    try {
      await (await fetch(origin)).text();
      break;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  assert.ok(!isOver, "workerd has ended");
  return {
    origin,
    port,
    async [Symbol.asyncDispose](): Promise<void> {
      child.kill("SIGKILL");
      await exited;
      await Deno.remove(directory, { recursive: true });
    },
  };
}
