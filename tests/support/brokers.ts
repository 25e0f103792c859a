// Real brokers from Debian packages, each in its own process on a free loopback port, with its
// files in a temporary folder: redis-server without persistence, and nats-server with JetStream.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type ProgramName, programPath } from "./need.ts";

/** A supported broker. */
export type BrokerName = "redis" | "nats";

/** All brokers. */
export const brokerNames: readonly BrokerName[] = ["redis", "nats"];

/** The program of each broker. */
const PROGRAMS = { redis: "redis-server", nats: "nats-server" } as const;

/** The programs of all brokers. */
export const brokerPrograms: readonly ProgramName[] = Object.values(PROGRAMS);

/** The first port to try: below the ephemeral range, and apart from the ports of the proxies. */
const FIRST_PORT = 10_000;
const PORT_COUNT = 9000;

/** The maximum number of ports tried. */
const ATTEMPTS = 10;

/** How often to check whether a program has started, in milliseconds. */
const POLL_INTERVAL = 10;

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

  /** Chooses a free port for a broker, but does not start it. */
  static async prepare(name: BrokerName, options: BrokerOptions = {}): Promise<Broker> {
    const broker = await Broker.start(name, options);
    await broker.kill();
    return broker;
  }

  /** The URL for clients. */
  get url(): string {
    return `${this.name}://127.0.0.1:${this.port}`;
  }

  /** The ID of the running process. */
  get pid(): number {
    return this.#child!.pid!;
  }

  /** Kills the process, to simulate a crash. */
  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#exited;
  }

  /** Restarts the broker. */
  async restart(): Promise<void> {
    await this.kill();
    if (!await this.#run()) throw new Error(`${this.name} does not start:\n${this.#output}`);
  }

  /** Sends Redis one command. */
  async command(line: string): Promise<void> {
    const socket = connect({ host: "127.0.0.1", port: this.port });
    socket.write(`${line}\r\n`);
    await once(socket, "data");
    socket.destroy();
  }

  /** Deletes the broker's files. The broker must not be running. */
  forget(): void {
    rmSync(this.#directory, { recursive: true, force: true });
    mkdirSync(this.#directory);
  }

  /** Suspends or resumes the process, to simulate a network outage. */
  freeze(isFrozen: boolean): void {
    // `ChildProcess.kill` of Deno's node:child_process cannot send SIGCONT.
    process.kill(this.#child!.pid!, isFrozen ? "SIGSTOP" : "SIGCONT");
  }

  /** Stops the broker and deletes its files. */
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
      await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL));
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
