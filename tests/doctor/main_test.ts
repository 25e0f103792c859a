// Runs the doctor as a program and checks its exit status, output and files.

import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { serve } from "../../mod.ts";
import { linesOf } from "../support/child.ts";
import { makeCertificates } from "../support/certificates.ts";
import { freePort } from "../support/ports.ts";
import { runtimeCommand, type RuntimeName, runtimeNames } from "../support/runtimes.ts";

const MAIN = fileURLToPath(new URL("../../doctor/main.ts", import.meta.url));

interface RunResult {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

async function run(runtime: RuntimeName, ...args: string[]): Promise<RunResult> {
  return await runCommand(runtimeCommand(runtime, MAIN, ...args));
}

async function runCommand(
  { command, args }: { command: string; args: string[] },
): Promise<RunResult> {
  const { code, stdout, stderr } = await new Deno.Command(command, { args }).output();
  const decoder = new TextDecoder();
  return { status: code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

Deno.test("prints its usage", async () => {
  const { status, out } = await run("deno", "--help");
  assert.equal(status, 0);
  assert.match(out, /doctor ws:\/\/host:port\/path/);
});

Deno.test("exits with status 2 and the usage text on invalid arguments", async () => {
  const { status, out, err } = await run("deno", "--listen", "x");
  assert.deepEqual([status, out], [2, ""]);
  assert.match(err, /--listen is "x"/);
  assert.match(err, /Exit status/);
});

Deno.test("exits with status 2 if the endpoint is unreachable", async () => {
  const { status, err } = await run("deno", `ws://127.0.0.1:${await freePort()}/`);
  assert.equal(status, 2);
  assert.match(err, /cannot connect to ws:/);
});

Deno.test("escapes control characters of a client's input in the terminal", async () => {
  const { command, args } = runtimeCommand("deno", MAIN, "--listen", "0", "--cases", "2.1");
  const process = new Deno.Command(command, { args, stdout: "piped", stderr: "piped" }).spawn();
  const agent = encodeURIComponent("\u001b]0;owned\u0007\u009b2J\u202eevil\r\n");
  const lines = linesOf(process.stdout);
  const { value = "" } = await lines.next();
  const url = /ws:\S+/.exec(value)![0];
  const ended = Promise.withResolvers<void>();
  const socket = new WebSocket(`${url}updateReports?agent=${agent}`);
  socket.onerror = (): void => {};
  socket.onclose = (): void => ended.resolve();
  let out = "";
  for await (const line of lines) out += `${line}\n`;
  await ended.promise;
  const stderr = await new Response(process.stderr).text();
  await process.status;
  assert.match(out, /\\u001b\]0;owned\\u0007.* ran 0 of 1 cases/);
  // deno-lint-ignore no-control-regex -- searches for control characters
  assert.doesNotMatch(out + stderr, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
});

Deno.test("--list prints every case with its rule", async () => {
  const { status, out } = await run("deno", "--list", "--cases", "7.3.*,26.2.1,27.1.1");
  assert.equal(status, 0);
  assert.deepEqual(
    out.trim().split("\n").map((line) => line.split(" ")[0]),
    ["7.3.1", "7.3.2", "7.3.3", "7.3.4", "7.3.5", "7.3.6", "26.2.1", "27.1.1"],
  );
  assert.match(out, /\[RFC 6455 5\.5\.1\]/);
});

Deno.test("writes reports and exits with the status of the result", async () => {
  const directory = await Deno.makeTempDir();
  // A server that does not echo fails message cases, but not ping cases.
  await using server = await serve({ port: 0, message: () => {} });
  const args = [server.url, "--agent", "mute", "--cases"];
  try {
    const json = join(directory, "report.json");
    const html = join(directory, "report.html");
    const reports = ["--json", json, "--html", html];
    const failing = await run("deno", ...args, "1.1.1,2.1", "--timeout", "2000", ...reports);
    assert.equal(failing.status, 1);
    const { agent, counts } = JSON.parse(await Deno.readTextFile(json));
    assert.deepEqual([agent, counts.PASS, counts.FAIL], ["mute", 1, 1]);
    assert.match(await Deno.readTextFile(html), /<h1>mute/);
    const healthy = await run("deno", ...args, "2.*");
    assert.equal(healthy.status, 0);
    assert.match(healthy.out, /All +11 +11/);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("examines a wss: server over TLS and verifies its certificate by default", async () => {
  const { cert, key } = makeCertificates();
  await using server = await serve({
    port: 0,
    tls: { cert, key },
    message: (conn, data) => void conn.send(data),
  });
  const args = [server.url, "--cases", "1.1.1"];
  const checked = await run("deno", ...args);
  assert.equal(checked.status, 2);
  assert.match(checked.err, /certificate|issuer/i);
  for (const runtime of runtimeNames) {
    const { status, out } = await run(runtime, ...args, "--insecure");
    assert.equal(status, 0, out);
  }
});

Deno.test("runs through a symbolic link on Node, as npm installs commands", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const { command, args } = runtimeCommand("node", MAIN, "--help");
    const link = join(directory, "doctor");
    const [module] = args.slice(-2);
    await Deno.symlink(module!, link);
    const { status, out } = await runCommand({ command, args: [link, "--help"] });
    assert.equal(status, 0);
    assert.match(out, /Exit status/);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("importing the module runs nothing; a pattern without a case yields status 2", async () => {
  const { doctor } = await import("../../doctor/main.ts");
  assert.equal(await doctor(["--cases", "99.*", "ws://127.0.0.1:1/"]), 2);
});
