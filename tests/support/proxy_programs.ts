// Starts real proxies from Debian packages, each in its own process for one test case: tinyproxy
// (HTTP CONNECT), microsocks (SOCKS5), and stunnel, which adds TLS in front of a proxy or a server.
// Reverse proxies are in reverse_proxies.ts.

import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { Context } from "../behaviour/harness.ts";
import type { TlsServerOptions } from "../../mod.ts";
import { programPath } from "./need.ts";

/** The proxies that clients use, and stunnel, which adds TLS. */
export const clientProxies = ["tinyproxy", "microsocks", "stunnel4"] as const;

/** A program that listens on a port. */
export type ProxyName = typeof clientProxies[number] | "nginx" | "haproxy" | "caddy";

/** The first port to try, below the ephemeral range. */
const FIRST_PORT = 20_000;
const PORT_COUNT = 10_000;

/** The maximum number of ports tried. */
const ATTEMPTS = 10;

/** How often to check whether a program has started, in milliseconds. */
const POLL_INTERVAL = 10;

/** Options of a program. */
export interface ProgramOptions {
  /** The address to listen on. Default: `127.0.0.1`. */
  hostname?: string;
}

/** The credentials that a proxy requires of its clients. */
export interface ProxyOptions extends ProgramOptions {
  username?: string;
  password?: string;
}

/** Options of stunnel. */
export interface StunnelOptions extends ProgramOptions {
  /** The target port on `127.0.0.1`. */
  to: number;
  /** The certificate to present to clients. */
  certificates: TlsServerOptions;
  /** The authority (PEM) that must have signed client certificates. Default: none are required. */
  clientAuthority?: string;
}

/** A program that listens on a port. It ends with its test case. */
export class ListeningProgram {
  readonly hostname: string;
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #hasExited = false;
  #output = "";
  #waiters: Array<() => void> = [];

  private constructor(program: ProxyName, args: string[], hostname: string, port: number) {
    const path = programPath(program);
    if (path === undefined) throw new Error(`${program} is not installed`);
    this.hostname = hostname;
    this.port = port;
    this.#child = spawn(path, args, { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.setEncoding("utf8");
      stream.on("data", (text: string) => {
        this.#output += text;
        this.#wake();
      });
    }
    this.#exited = new Promise((resolve) => {
      this.#child.once("error", resolve);
      this.#child.once("close", resolve);
    }).then(() => {
      this.#hasExited = true;
      this.#wake();
    });
  }

  /**
   * Starts a program on a free port.
   *
   * @param args Returns the program's arguments for a port.
   */
  static async start(
    context: Pick<Context, "after">,
    program: ProxyName,
    hostname: string,
    args: (port: number) => string[],
  ): Promise<ListeningProgram> {
    for (let attempt = 1;; attempt++) {
      const port = FIRST_PORT + Math.floor(Math.random() * PORT_COUNT);
      if (await listens(hostname, port)) continue;
      const started = new ListeningProgram(program, args(port), hostname, port);
      context.after(() => started.stop());
      if (await started.#listens()) return started;
      if (attempt === ATTEMPTS) throw new Error(`${program} does not start:\n${started.#output}`);
    }
  }

  /** Waits until the program has written a text to its log. */
  async logged(text: string): Promise<void> {
    while (!this.#output.includes(text)) {
      if (this.#hasExited) {
        throw new Error(`the program ended without writing "${text}":\n${this.#output}`);
      }
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  /** Ends the program. */
  async stop(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  async #listens(): Promise<boolean> {
    while (!this.#hasExited) {
      if (await listens(this.hostname, this.port)) return true;
      await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL));
    }
    return false;
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}

function listens(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

let files = 0;

function writeFile({ fixtures }: Context, name: string, text: string): string {
  const path = join(fixtures.directory, `${++files}-${name}`);
  writeFileSync(path, text);
  return path;
}

/** Starts tinyproxy, which allows CONNECT to any port; with credentials, it requires Basic auth. */
export function startTinyproxy(
  context: Context,
  { hostname = "127.0.0.1", username, password }: ProxyOptions = {},
): Promise<ListeningProgram> {
  return ListeningProgram.start(context, "tinyproxy", hostname, (port) => {
    const lines = [`Port ${port}`, `Listen ${hostname}`, "LogLevel Connect", "Timeout 60"];
    if (username !== undefined) lines.push(`BasicAuth ${username} ${password}`);
    return ["-d", "-c", writeFile(context, "tinyproxy.conf", lines.join("\n") + "\n")];
  });
}

/** Starts microsocks. With credentials, it requires them. */
export function startMicrosocks(
  context: Context,
  { hostname = "127.0.0.1", username, password }: ProxyOptions = {},
): Promise<ListeningProgram> {
  return ListeningProgram.start(context, "microsocks", hostname, (port) => {
    const credentials = username === undefined ? [] : ["-u", username, "-P", password ?? ""];
    return ["-i", hostname, "-p", `${port}`, ...credentials];
  });
}

/** Starts stunnel, which adds TLS in front of a local port. */
export function startStunnel(
  context: Context,
  { hostname = "127.0.0.1", to, certificates, clientAuthority }: StunnelOptions,
): Promise<ListeningProgram> {
  return ListeningProgram.start(context, "stunnel4", hostname, (port) => {
    const lines = [
      "foreground = yes",
      "pid =",
      "debug = info",
      "[front]",
      `accept = ${hostname}:${port}`,
      `connect = 127.0.0.1:${to}`,
      `cert = ${writeFile(context, "cert.pem", certificates.cert)}`,
      `key = ${writeFile(context, "key.pem", certificates.key)}`,
    ];
    if (clientAuthority !== undefined) {
      lines.push(`CAfile = ${writeFile(context, "ca.pem", clientAuthority)}`, "verifyChain = yes");
    }
    return [writeFile(context, "stunnel.conf", lines.join("\n") + "\n")];
  });
}
