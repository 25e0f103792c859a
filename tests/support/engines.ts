// Real engines from Debian, each a process of its own on a free port of the loopback, with its files in
// a temporary folder: redis-server, which keeps nothing, and nats-server with JetStream.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { installPrograms, programPath } from "./debian.ts";

/** An engine that the library has a backplane for. */
export type EngineName = "redis" | "nats";

/** All of them. */
export const engineNames: readonly EngineName[] = ["redis", "nats"];

/** The program of each engine. */
const PROGRAMS: Record<EngineName, string> = { redis: "redis-server", nats: "nats-server" };

/** The Debian package of each program. */
const PACKAGES = { "redis-server": "redis-server", "nats-server": "nats-server" };

/** Ports below those that the system gives away by itself, and other than those of the proxies. */
const FIRST_PORT = 10_000;
const PORT_COUNT = 9000;

/** How often another port is tried. */
const ATTEMPTS = 10;

/** Milliseconds between two looks at a program that is starting. */
const PATIENCE = 10;

/** How an engine is started. */
export interface EngineOptions {
  /** Whether Redis keeps what it has when it is ended. NATS keeps its streams anyway. Default: no. */
  persistent?: boolean;
  /** Whether NATS has JetStream. Default: yes. */
  jetStream?: boolean;
  /** Further arguments. */
  args?: string[];
}

/**
 * Installs what is missing, which only root can do.
 *
 * @throws {Error} When that is not possible; the message tells what to do.
 */
export function installEngines(): void {
  installPrograms(PACKAGES);
}

/** A running engine. */
export class Engine implements AsyncDisposable {
  readonly name: EngineName;
  readonly port: number;
  readonly #options: EngineOptions;
  readonly #directory: string;
  #child: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();
  #output = "";

  private constructor(name: EngineName, port: number, options: EngineOptions) {
    this.name = name;
    this.port = port;
    this.#options = options;
    this.#directory = mkdtempSync(join(tmpdir(), `quickws-${name}-`));
  }

  /** Starts an engine on a port that nobody has. */
  static async start(name: EngineName, options: EngineOptions = {}): Promise<Engine> {
    for (let attempt = 1;; attempt++) {
      const port = FIRST_PORT + Math.floor(Math.random() * PORT_COUNT);
      if (await listens(port)) continue;
      const engine = new Engine(name, port, options);
      if (await engine.#run()) return engine;
      await engine[Symbol.asyncDispose]();
      if (attempt === ATTEMPTS) throw new Error(`${name} does not start:\n${engine.#output}`);
    }
  }

  /** An engine's place on a port that nobody has, without the engine. */
  static async prepare(name: EngineName, options: EngineOptions = {}): Promise<Engine> {
    const engine = await Engine.start(name, options);
    await engine.kill();
    return engine;
  }

  /** Where clients reach it. */
  get url(): string {
    return `${this.name}://127.0.0.1:${this.port}`;
  }

  /** Its process, while it runs. */
  get pid(): number {
    return this.#child!.pid!;
  }

  /** Ends it at once, as a crash would. */
  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#exited;
  }

  /** Starts it again. */
  async restart(): Promise<void> {
    await this.kill();
    if (!await this.#run()) throw new Error(`${this.name} does not start:\n${this.#output}`);
  }

  /** Loses what it keeps in files; it must not run. */
  forget(): void {
    rmSync(this.#directory, { recursive: true, force: true });
    mkdirSync(this.#directory);
  }

  /** Stops it without ending it, as a network would that carries nothing any more, or lets it go on. */
  freeze(isFrozen: boolean): void {
    // A child process of Deno's node:child_process is not let go on by its own `kill`.
    process.kill(this.#child!.pid!, isFrozen ? "SIGSTOP" : "SIGCONT");
  }

  /** Ends it for good. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #run(): Promise<boolean> {
    const path = programPath(PROGRAMS[this.name]);
    if (path === undefined) throw new Error(`${this.name} is not installed`);
    const child = spawn(path, this.#arguments(), { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding("utf8");
      stream.on("data", (text: string) => this.#output += text);
    }
    let isOver = false;
    this.#exited = new Promise((resolve) => {
      child.once("error", resolve);
      child.once("close", resolve);
    }).then(() => isOver = true);
    while (!isOver) {
      if (await listens(this.port)) return true;
      await new Promise((resolve) => setTimeout(resolve, PATIENCE));
    }
    return false;
  }

  #arguments(): string[] {
    const { persistent = false, jetStream = true, args = [] } = this.#options;
    const port = `${this.port}`;
    if (this.name === "redis") {
      const keeping = persistent ? ["--appendonly", "yes", "--appendfsync", "always"] : [];
      const place = ["--bind", "127.0.0.1", "--dir", this.#directory];
      return ["--port", port, ...place, "--save", "", ...keeping, ...args];
    }
    const keeping = jetStream ? ["-js", "-sd", this.#directory] : [];
    return ["-a", "127.0.0.1", "-p", port, ...keeping, ...args];
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
