// Runs the configurations of docs/guide/proxies.md and machines.md in real proxies.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, HandshakeError, serve } from "../../mod.ts";
import { makeCertificates } from "../support/certificates.ts";
import { need } from "../support/need.ts";
import { ListeningProgram } from "../support/proxy_programs.ts";
import { root } from "./source_files.ts";

const PROGRAMS = ["nginx", "haproxy", "caddy"] as const;

type ProgramName = typeof PROGRAMS[number];

const page = await Deno.readTextFile(join(root, "docs/guide/proxies.md"));
const machines = await Deno.readTextFile(join(root, "docs/guide/machines.md"));

/** Returns the code block of a page in a language. */
function blockOf(page: string, language: string): string {
  const [, block] = new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, "m").exec(page)!;
  return block!;
}

/** Replaces a string that must occur exactly once. */
function replaceOnce(text: string, what: string, by: string): string {
  assert.equal(text.split(what).length, 2, `${what} must occur in the page exactly once`);
  return text.replace(what, by);
}

const certificates = makeCertificates();
const directory = await Deno.makeTempDir({ prefix: "quickws-proxies-" });
globalThis.addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

const cert = file("cert.pem", certificates.cert);
const key = file("key.pem", certificates.key);
const both = file("both.pem", certificates.cert + certificates.key);

/** The ports of a proxy and its upstream servers. */
interface Ports {
  readonly front: number;
  readonly back: number;
  /** The port of the second node, if the page has two. */
  readonly second?: number | undefined;
}

/** Replaces only the ports and the certificates in the page's configuration. */
const CONFIGURATIONS: Record<ProgramName, (block: string, ports: Ports) => string> = {
  nginx(block, { front, back, second }) {
    let text = replaceOnce(block, "listen 443 ssl", `listen 127.0.0.1:${front} ssl`);
    text = replaceOnce(text, "/etc/ssl/example.com.pem", cert);
    text = replaceOnce(text, "/etc/ssl/example.com.key", key);
    text = replaceOnce(text, ":8080", `:${back}`);
    if (second !== undefined) text = replaceOnce(text, ":8081", `:${second}`);
    const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map((name) => `${name}_temp_path ${directory};`);
    return `daemon off; master_process off; pid ${directory}/nginx.pid; error_log stderr;
events {}
http {
access_log off; ${paths.join(" ")}
${text}}
`;
  },
  haproxy(block, { front, back }) {
    let text = replaceOnce(block, "bind :443", `bind 127.0.0.1:${front}`);
    text = replaceOnce(text, "/etc/ssl/example.com.both.pem", both);
    // The test does not run the second process of the page.
    text = replaceOnce(text, ":8081", ":1");
    return replaceOnce(text, ":8080", `:${back}`);
  },
  caddy(block, { front, back }) {
    const site = `https://localhost:${front} {\n  tls ${cert} ${key}`;
    const text = replaceOnce(block, "example.com {", site);
    const options = `admin off\nauto_https off\nstorage file_system ${directory}`;
    return `{\n${options}\n}\n${replaceOnce(text, ":8080", `:${back}`)}`;
  },
};

const ARGUMENTS: Record<ProgramName, (path: string) => string[]> = {
  nginx: (path) => ["-p", directory, "-c", path],
  haproxy: (path) => ["-db", "-f", path],
  caddy: (path) => ["run", "--config", path, "--adapter", "caddyfile"],
};

const LANGUAGES: Record<ProgramName, string> = {
  nginx: "nginx",
  haproxy: "haproxy",
  caddy: "caddyfile",
};

/** A running proxy. It stops at the end of its scope. */
interface Proxy extends AsyncDisposable {
  readonly port: number;
}

/** Differences from the configuration in proxies.md. */
interface Variation {
  /** Modifies the configuration. */
  readonly edit?: (block: string) => string;
  /** The port of the second node, for the configuration in machines.md. */
  readonly second?: number;
}

/**
 * Starts a proxy with the page's configuration, adapted to the test, and waits until it listens.
 */
async function start(
  program: ProgramName,
  back: number,
  { edit = (block) => block, second }: Variation = {},
): Promise<Proxy> {
  const cleanUp = new AsyncDisposableStack();
  const scope = {
    after: (last: () => void | Promise<void>) => cleanUp.defer(async () => await last()),
  };
  const source = second === undefined ? page : machines;
  const block = edit(blockOf(source, LANGUAGES[program]));
  const { port } = await ListeningProgram.start(scope, program, "127.0.0.1", (front) => {
    const text = CONFIGURATIONS[program](block, { front, back, second });
    return ARGUMENTS[program](file(`${program}-${front}.conf`, text));
  });
  return { port, [Symbol.asyncDispose]: () => cleanUp.disposeAsync() };
}

/** Connects with the Origin of a page served by the proxy. */
function visit(port: number): ReturnType<typeof connect> {
  const address = `localhost:${port}`;
  return connect(`wss://${address}/chat?room=1`, {
    origin: `https://${address}`,
    tls: { caCerts: [certificates.ca] },
  });
}

for (const program of PROGRAMS) {
  need(program)(
    `${program} configured as documented forwards handshakes, messages and addresses`,
    async () => {
      const requests: string[] = [];
      await using server = await serve({
        port: 0,
        upgrade({ url, headers }) {
          requests.push(`${new URL(url).pathname} for ${headers.get("x-forwarded-for")}`);
        },
        message: (conn, data) => void conn.send(data),
        fetch: () => new Response("up\n"),
      });
      await using proxy = await start(program, server.port);
      const conn = await visit(proxy.port);
      conn.send("through it");
      conn.send(new Uint8Array(200_000));
      const lengths: number[] = [];
      for await (const data of conn) {
        lengths.push(data.length);
        if (lengths.length === 2) conn.close(4000, "seen");
      }
      assert.deepEqual(lengths, [10, 200_000]);
      const { code, clean } = await conn.closed;
      assert.deepEqual({ code, clean }, { code: 4000, clean: true });
      assert.deepEqual(requests, ["/chat for 127.0.0.1"]);
    },
  );
}

/** The documented status if lines are missing from the nginx configuration. */
const LEFT_OUT: [status: number, lines: RegExp][] = [
  [403, /.*proxy_set_header Host .*\n/],
  [426, /.*proxy_set_header (Upgrade|Connection) .*\n/g],
  [505, /.*proxy_http_version .*\n/],
];

for (const [status, lines] of LEFT_OUT) {
  need("nginx")(`nginx without ${lines.source} causes a ${status}`, async () => {
    await using server = await serve({ port: 0, message: () => {} });
    await using proxy = await start("nginx", server.port, {
      edit(block) {
        assert.match(block, lines);
        return block.replace(lines, "");
      },
    });
    await assert.rejects(visit(proxy.port), (error: HandshakeError) => error.status === status);
  });
}

need("haproxy")("haproxy removes a server whose health check gets 503", async () => {
  let status = 503;
  await using server = await serve({
    port: 0,
    message: () => {},
    fetch: () => new Response("", { status }),
  });
  const often = " check inter 50 fastinter 50 downinter 50 fall 1 rise 1";
  await using proxy = await start("haproxy", server.port, {
    edit: (block) => block.replaceAll(" check", often),
  });
  const statuses: (number | undefined)[] = [];
  do {
    statuses.push(await outcome(proxy.port));
  } while (statuses.at(-1) !== 503);
  status = 200;
  do {
    statuses.push(await outcome(proxy.port));
  } while (statuses.at(-1) !== 101);
});

need("nginx")(
  "nginx configured as documented balances clients and skips a draining node",
  async () => {
    let draining = false;
    const node = (name: string): ReturnType<typeof serve> =>
      serve({
        port: 0,
        upgrade: () => draining && name === "one" ? { status: 503 } : undefined,
        open: (conn) => void conn.send(name),
      });
    await using one = await node("one");
    await using two = await node("two");
    await using proxy = await start("nginx", one.port, { second: two.port });
    const names = async (): Promise<string[]> => {
      const conns = [await visit(proxy.port), await visit(proxy.port)];
      const said = await Promise.all(conns.map(async (conn) => {
        for await (const data of conn) return String(data);
        return "";
      }));
      await Promise.all(conns.map((conn) => conn[Symbol.asyncDispose]()));
      return said.sort();
    };
    assert.deepEqual(await names(), ["one", "two"]);
    draining = true;
    assert.deepEqual(await names(), ["two", "two"]);
    draining = false;
    await one.shutdown();
    assert.deepEqual(await names(), ["two", "two"]);
  },
);

/** Returns the status of the response to a client's upgrade request. */
async function outcome(port: number): Promise<number | undefined> {
  try {
    await using conn = await visit(port);
    return conn.handshake.status;
  } catch (error) {
    if (error instanceof HandshakeError) return error.status;
    throw error;
  }
}
