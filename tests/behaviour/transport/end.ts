// One end of a connection under test. It records the events of its transport and every violation of
// the transport contract.

import assert from "node:assert/strict";
import type {
  DialOptions,
  ListenOptions,
  Transport,
  TransportSink,
} from "../../../src/transport/transport.ts";
import type { Context } from "../harness.ts";

/** A transport with a recording sink. */
export class End implements TransportSink {
  readonly transport: Transport;
  /** Every delivered chunk. */
  readonly chunks: Uint8Array[] = [];
  /** Bytes received. */
  received = 0;
  drains = 0;
  ends = 0;
  closes = 0;
  /** The argument of `closed`. */
  error: Error | undefined;
  /** Called for each chunk. Its result is the result of `data`. */
  onData: ((chunk: Uint8Array) => boolean | void) | undefined;
  onDrain: (() => void) | undefined;
  onEnd: (() => void) | undefined;
  readonly #violations: string[] = [];
  readonly #waiting: Array<{ condition: () => boolean; resolve: () => void }> = [];
  /** The test's call in progress. */
  #calling: string | undefined;
  #started = false;
  #paused = false;
  #owedDrain = false;

  constructor(context: Context, transport: Transport) {
    this.transport = transport;
    context.after(async () => {
      if (!this.#started) this.start();
      this.destroy();
      await this.until(() => this.closes > 0);
      assert.equal(transport.bufferedAmount, 0, "a closed transport has no buffered output");
      assert.deepEqual(this.#violations, []);
    });
  }

  start(sink: TransportSink = this): void {
    this.#started = true;
    this.#call("start", () => this.transport.start(sink));
  }

  /** Writes. Callers must not write before a pending drain. */
  write(bytes: Uint8Array, length = bytes.length): boolean {
    assert.ok(!this.#owedDrain, "the case writes before the drain");
    const done = this.#call("write", () => this.transport.write(bytes, length));
    this.#owedDrain = !done;
    return done;
  }

  /** Writes, and waits until the bytes are sent. */
  async send(bytes: Uint8Array): Promise<void> {
    if (!this.write(bytes)) await this.until(() => !this.#owedDrain || this.closes > 0);
  }

  pause(): void {
    this.#paused = true;
    this.#call("pause", () => this.transport.pause());
  }

  resume(): void {
    this.#paused = false;
    this.#call("resume", () => this.transport.resume());
  }

  /** Ends the local direction. `end` reports the end of the peer's direction. */
  finish(): void {
    this.#call("end", () => this.transport.end());
  }

  destroy(error?: Error): void {
    this.#call("destroy", () => this.transport.destroy(error));
  }

  /** Waits until a condition is met. Checks it after each event of the transport. */
  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ condition, resolve }));
  }

  /** Waits for `closed`, which must report no error. */
  async closedCleanly(): Promise<void> {
    await this.until(() => this.closes > 0);
    if (this.error !== undefined) throw this.error;
  }

  /** Waits for `closed`, which must report an error, and returns it. */
  async closedWithError(): Promise<Error> {
    await this.until(() => this.closes > 0);
    assert.ok(this.error instanceof Error, `closed with ${this.error}`);
    return this.error;
  }

  /** All received bytes, joined. */
  bytes(): Uint8Array {
    const whole = new Uint8Array(this.received);
    let offset = 0;
    for (const chunk of this.chunks) {
      whole.set(chunk, offset);
      offset += chunk.length;
    }
    return whole;
  }

  data(chunk: Uint8Array): boolean | void {
    this.#record("data");
    if (this.#paused) this.#violations.push("data while paused");
    if (this.ends > 0) this.#violations.push("data after end");
    if (chunk.length === 0) this.#violations.push("an empty chunk");
    if (Object.getPrototypeOf(chunk) !== Uint8Array.prototype) {
      this.#violations.push(`a chunk that is a ${chunk.constructor.name}`);
    }
    this.received += chunk.length;
    let answer: boolean | void = undefined;
    if (this.onData !== undefined) answer = this.onData(chunk);
    else this.chunks.push(chunk);
    this.#check();
    return answer;
  }

  drain(): void {
    this.#record("drain");
    this.drains++;
    if (!this.#owedDrain) this.#violations.push("an unexpected drain");
    this.#owedDrain = false;
    if (this.transport.bufferedAmount !== 0) {
      this.#violations.push("a drain before all output was sent");
    }
    this.onDrain?.();
    this.#check();
  }

  end(): void {
    this.#record("end");
    if (this.ends++ > 0) this.#violations.push("a second end");
    this.onEnd?.();
    this.#check();
  }

  closed(error?: Error): void {
    this.#record("closed");
    this.closes++;
    this.error = error;
    this.#check();
  }

  #call<T>(name: string, call: () => T): T {
    const outer = this.#calling;
    this.#calling = name;
    try {
      return call();
    } finally {
      this.#calling = outer;
    }
  }

  #record(what: string): void {
    if (this.#calling !== undefined) this.#violations.push(`${what} from inside ${this.#calling}`);
    if (this.closes > 0) this.#violations.push(`${what} after closed`);
    if (!this.#started) this.#violations.push(`${what} before start`);
  }

  #check(): void {
    for (let index = this.#waiting.length - 1; index >= 0; index--) {
      const { condition, resolve } = this.#waiting[index]!;
      if (!condition()) continue;
      this.#waiting.splice(index, 1);
      resolve();
    }
  }
}

/** The address of a listener. Default: a free loopback port. */
export type ListenAddress = Partial<ListenOptions>;

/** A listener that returns its connections one by one. It closes when the case ends. */
export interface AcceptingListener {
  hostname: string;
  port: number;
  close(): Promise<void>;
  /** Returns the next connection, accepted but not started. */
  accept(): Promise<End>;
}

/** Listens. */
export async function listen(
  context: Context,
  address: ListenAddress = {},
): Promise<AcceptingListener> {
  const ready: End[] = [];
  const waiting: Array<(end: End) => void> = [];
  const listener = await context.network.listen(
    { hostname: "127.0.0.1", port: 0, noDelay: true, ...address },
    {
      accept(transport): void {
        const end = new End(context, transport);
        const next = waiting.shift();
        if (next === undefined) ready.push(end);
        else next(end);
      },
      error(error): void {
        throw error;
      },
    },
  );
  context.after(() => listener.close());
  return {
    hostname: listener.hostname,
    port: listener.port,
    close: () => listener.close(),
    accept: () => {
      const end = ready.shift();
      return end === undefined
        ? new Promise((resolve) => waiting.push(resolve))
        : Promise.resolve(end);
    },
  };
}

/** Dials without starting the connection. */
export async function dial(
  context: Context,
  options: Partial<DialOptions> & { port: number },
): Promise<End> {
  const transport = await context.network.dial({
    hostname: "127.0.0.1",
    noDelay: true,
    ...options,
  });
  return new End(context, transport);
}

/** Two ends of one connection. */
export interface Pair {
  client: End;
  server: End;
}

/** Connects two ends and starts both, unless the case starts them. */
export async function connect(
  context: Context,
  { address = {}, options = {}, start = true }: {
    address?: ListenAddress;
    options?: Partial<DialOptions>;
    start?: boolean;
  } = {},
): Promise<Pair> {
  const listener = await listen(context, address);
  const { hostname, unix } = address;
  const [server, client] = await Promise.all([
    // A TLS handshake needs the server to read.
    listener.accept().then((end) => {
      if (start) end.start();
      return end;
    }),
    dial(context, { hostname: hostname ?? "127.0.0.1", port: listener.port, unix, ...options }),
  ]);
  if (start) client.start();
  return { client, server };
}

/** Makes an end echo its input with backpressure, and end when the peer ends. */
export function echo(end: End): void {
  end.onData = (chunk) => {
    if (!end.write(chunk)) end.pause();
  };
  end.onDrain = () => end.resume();
  end.onEnd = () => end.finish();
}
