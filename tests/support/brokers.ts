// Real brokers from Debian packages, each in its own process on a free loopback port, with its
// files in a temporary folder: redis-server without persistence, and nats-server with JetStream.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type ProgramName, programPath } from "./need.ts";

/** A broker that the library has a backplane for. */
export type BrokerName = "redis" | "nats";

/** All brokers. */
export const brokerNames: readonly BrokerName[] = ["redis", "nats"];

/** The program of each broker. */
const PROGRAMS = { redis: "redis-server", nats: "nats-server" } as const;

/** The programs of all brokers. */
export const brokerPrograms: readonly ProgramName[] = Object.values(PROGRAMS);

/** Ports below the automatically assigned range, different from those of the proxies. */
const FIRST_PORT = 10_000;
const PORT_COUNT = 9000;

/** The maximum number of ports tried. */
const ATTEMPTS = 10;

/** Milliseconds between two checks of a starting program. */
const PATIENCE = 10;

/** The settings of a broker. */
export interface BrokerOptions {
  /** Whether Redis keeps its data across restarts. NATS always keeps its streams. Default: no. */
  persistent?: boolean;
  /** Whether NATS has JetStream. Default: yes. */
  jetStream?: boolean;
  /** Further arguments. */
  args?: string[];
}

/** A running broker. */
export class Broker implements AsyncDisposable {
  readonly name: BrokerName;
  readonly port: number;
  readonly #options: BrokerOptions;
  readonly #directory: string;
  #child: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();
  #output = "";

  private constructor(name: BrokerName, port: number, options: BrokerOptions) {
    this.name = name;
    this.port = port;
    this.#options = options;
    this.#directory = mkdtempSync(join(tmpdir(), `quickws-${name}-`));
  }

  /** Starts a broker on a free port. */
  static async start(name: BrokerName, options: BrokerOptions = {}): Promise<Broker> {
    for (let attempt = 1;; attempt++) {
      const port = FIRST_PORT + Math.floor(Math.random() * PORT_COUNT);
      if (await listens(port)) continue;
      const broker = new Broker(name, port, options);
      if (await broker.#run()) return broker;
      await broker[Symbol.asyncDispose]();
      if (attempt === ATTEMPTS) throw new Error(`${name} does not start:\n${broker.#output}`);
    }
  }

  /** A free port for a broker that is not running yet. */
  static async prepare(name: BrokerName, options: BrokerOptions = {}): Promise<Broker> {
    const broker = await Broker.start(name, options);
    await broker.kill();
    return broker;
  }

  /** The URL for clients. */
  get url(): string {
    return `${this.name}://127.0.0.1:${this.port}`;
  }

  /** Its process, while it runs. */
  get pid(): number {
    return this.#child!.pid!;
  }

  /** Kills it, as a crash would. */
  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#exited;
  }

  /** Starts it again. */
  async restart(): Promise<void> {
    await this.kill();
    if (!await this.#run()) throw new Error(`${this.name} does not start:\n${this.#output}`);
  }

  /** Deletes its files; it must not be running. */
  forget(): void {
    rmSync(this.#directory, { recursive: true, force: true });
    mkdirSync(this.#directory);
  }

  /** Suspends it without ending it, as a network without connectivity would, or resumes it. */
  freeze(isFrozen: boolean): void {
    // The `kill` of a child process of Deno's node:child_process cannot resume it.
    process.kill(this.#child!.pid!, isFrozen ? "SIGSTOP" : "SIGCONT");
  }

  /** Stops it permanently. */
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
