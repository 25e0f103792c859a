// Connects through real proxies that the environment selects.

import assert from "node:assert/strict";
import { serve } from "../../mod.ts";
import { denoNetwork } from "../../src/transport/deno.ts";
import type { Context } from "../behaviour/harness.ts";
import { root } from "../project/source_files.ts";
import { makeCertificates } from "../support/certificates.ts";
import { need } from "../support/need.ts";
import { startMicrosocks, startTinyproxy } from "../support/proxy_programs.ts";
import { type RuntimeName, runtimeNames } from "../support/runtimes.ts";
import { exampleCommand } from "./start.ts";

/** Runs the client until it exits. */
async function run(
  runtime: RuntimeName,
  url: string,
  env: Record<string, string>,
): Promise<{ code: number; output: string; errors: string }> {
  const [program, ...args] = exampleCommand(runtime, "proxy.ts", url);
  const none = { HTTP_PROXY: "", HTTPS_PROXY: "", ALL_PROXY: "", NO_PROXY: "" };
  const { code, stdout, stderr } = await new Deno.Command(program!, {
    args,
    cwd: root,
    env: { ...none, ...env, NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout), errors: decoder.decode(stderr) };
}

need("tinyproxy", "microsocks")("the client uses the proxy in the environment", async (t) => {
  const cleanUps: Array<() => void | Promise<void>> = [];
  const directory = await Deno.makeTempDir();
  const context: Context = {
    runtime: "deno",
    network: denoNetwork,
    fixtures: { certificates: makeCertificates(), directory, silentPort: 0 },
    after: (cleanUp) => void cleanUps.push(cleanUp),
  };
  const server = await serve({ port: 0, message: (conn, data) => conn.send(data) });
  try {
    const http = await startTinyproxy(context, { username: "ada", password: "secret" });
    const socks = await startMicrosocks(context);
    const name = server.url.replace("127.0.0.1", "localhost");
    for (const runtime of runtimeNames) {
      await t.step(runtime, async () => {
        const proxies: Record<string, string>[] = [
          { HTTP_PROXY: `http://ada:secret@127.0.0.1:${http.port}` },
          { all_proxy: `socks5h://127.0.0.1:${socks.port}` },
          // Connecting through these proxies would fail, so the client must not use them.
          { ALL_PROXY: "http://127.0.0.1:1", NO_PROXY: "other.example, 127.0.0.1" },
          { HTTPS_PROXY: "http://127.0.0.1:1" },
        ];
        const runs = proxies.map((env) => run(runtime, server.url, env));
        for (const { code, output, errors } of await Promise.all(runs)) {
          assert.equal(output, `${server.url} answers: hello through the proxy\n`, errors);
          assert.equal(code, 0);
        }
        await http.logged(`CONNECT 127.0.0.1:${server.port}`);

        const refused = await run(runtime, name, {
          HTTP_PROXY: `http://ada:wrong@127.0.0.1:${http.port}`,
        });
        assert.equal(refused.code, 1);
        assert.match(refused.errors, /^PROXY_REFUSED: /);
      });
    }
  } finally {
    await server.shutdown();
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
    await Deno.remove(directory, { recursive: true });
  }
});
