// Faults of a broker at one chosen step: the requests of a client fail from the n-th one on, for
// a short time, or its connections are cut at the n-th chunk of data.

import { connect, createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import type { BrokerName } from "./brokers.ts";

/** The methods of all clients that make a request. */
const REQUESTS: ReadonlySet<string> = new Set([
  ...["request", "requestMany", "flush"],
  ...["sendCommand", "call", "send", "publish", "subscribe"],
]);

const encoder = new TextEncoder();

/** A way in which a broker does not serve a request, although it is connected. */
export interface RequestFault {
  readonly name: string;
  readonly broker: BrokerName;
  /** Whether the broker processes the request, and only its reply is lost. */
  readonly isProcessed: boolean;
  /** The outcome for the client. */
  outcome(method: string): Promise<unknown>;
}

function rejecting(name: string, message: string, cause?: Error): () => Promise<never> {
  return () => Promise.reject(Object.assign(new Error(message, { cause }), { name }));
}

/** An error reply of JetStream; other requests have no such reply. */
function jetStream(number: number): (method: string) => Promise<unknown> {
  const reply = { error: { code: 503, "err_code": number, description: "not now" } };
  return (method) =>
    method === "request"
      ? Promise.resolve({ data: encoder.encode(JSON.stringify(reply)) })
      : rejecting("TimeoutError", "timeout")();
}

function nats(
  name: string,
  outcome: RequestFault["outcome"],
  isProcessed = false,
): RequestFault {
  return { name, broker: "nats", isProcessed, outcome };
}

function redis(message: string, isProcessed = false): RequestFault {
  return { name: message, broker: "redis", isProcessed, outcome: rejecting("Error", message) };
}

/**
 * Faults that end, so that no message may be lost: one of each kind. The unit tests of `RedisPair`
 * and `NatsBackplane` list all replies that are outages.
 */
export const requestFaults: readonly RequestFault[] = [
  nats("no reply", rejecting("TimeoutError", "timeout")),
  nats("a lost reply", rejecting("TimeoutError", "timeout"), true),
  nats("a lost connection", rejecting("RequestError", "connection disconnected")),
  nats("an error reply", jetStream(10008)),
  redis("READONLY You can't write against a read only replica."),
  redis("Connection is closed.", true),
];

/** Milliseconds that a fault lasts. */
const DURATION = 30;

/** The fault of all requests of a client, and of its duplicates, that follow one of them. */
export class FaultyClient {
  readonly #fault: RequestFault;
  readonly #at: number;
  #count = 0;
  #isFailing = false;

  /** @param at The number of the first request that fails, from 1. */
  constructor(fault: RequestFault, at: number) {
    this.#fault = fault;
    this.#at = at;
  }

  /** The number of requests. */
  get count(): number {
    return this.#count;
  }

  /** A client with the fault. */
  readonly wrap = <C extends object>(client: C): C => {
    const get = (target: C, key: string): unknown => {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      const call = (...args: unknown[]): unknown => Reflect.apply(value, target, args);
      if (key === "duplicate") {
        return (...args: unknown[]) => {
          const made = call(...args);
          return made instanceof Promise ? made.then(this.wrap) : this.wrap(made as object);
        };
      }
      // The subscribe and publish of NATS return no promise.
      const isNats = this.#fault.broker === "nats";
      if (!REQUESTS.has(key) || isNats && (key === "subscribe" || key === "publish")) return call;
      return (...args: unknown[]) => {
        if (++this.#count === this.#at) this.#fail();
        if (!this.#isFailing) return call(...args);
        // Unread replies would keep the process running.
        if (this.#fault.isProcessed && key !== "requestMany") {
          Promise.resolve(call(...args)).catch(() => {});
        }
        return this.#fault.outcome(key);
      };
    };
    const set = (target: C, key: string, value: unknown): boolean =>
      Reflect.set(target, key, value, target);
    return new Proxy(client, { get, set } as ProxyHandler<C>);
  };

  /**
   * Starts the fault. A timer ends it: a comparison of times could end it between two pipelined
   * messages of a topic, and the first of them would be lost, as docs/topics.md says.
   */
  #fail(): void {
    this.#isFailing = true;
    setTimeout(() => (this.#isFailing = false), DURATION);
  }
}

/** A proxy that cuts all connections once, instead of passing on the n-th chunk of data. */
export class CuttingProxy {
  readonly #server: Server;
  readonly #at: number;
  readonly #sockets = new Set<Socket>();
  #count = 0;

  private constructor(target: number, at: number) {
    this.#at = at;
    this.#server = createServer((near) => {
      const far = connect({ port: target, host: "127.0.0.1" });
      this.#pass(near, far);
      this.#pass(far, near);
    });
  }

  /** @param target The port of the broker. @param at The number of the chunk, from 1. */
  static async start(target: number, at: number): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(target, at);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The number of chunks, in both directions. */
  get count(): number {
    return this.#count;
  }

  close(): void {
    this.#server.close();
    this.#cut();
  }

  #pass(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on("error", () => {});
    from.on("close", () => {
      this.#sockets.delete(from);
      to.destroy();
    });
    from.on("data", (data) => {
      if (++this.#count === this.#at) this.#cut();
      else to.write(data);
    });
  }

  #cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
