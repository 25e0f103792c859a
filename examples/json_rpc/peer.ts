// JSON-RPC 2.0 (https://www.jsonrpc.org/specification) over a connection. Both sides use the same
// code, and each can call the other. Copy this file into your project.

import type { Connection, Handlers, Message } from "@quickws/quickws";

/** The methods that the other side can call. The parameters are an array or an object. */
export type Methods = Record<string, (params: unknown, peer: JsonRpcPeer) => unknown>;

/** An error with a code, sent to or received from the other side. */
export class JsonRpcError extends Error {
  override readonly name = "JsonRpcError";
  /** The protocol reserves -32768 to -32000; the application may use all other codes. */
  readonly code: number;
  readonly data: unknown;

  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

/** A method throws this error if its parameters are invalid. */
export class InvalidParams extends JsonRpcError {
  constructor(message: string) {
    super(-32602, message);
  }
}

type Id = string | number | null;

interface Call {
  resolve(result: unknown): void;
  reject(error: Error): void;
  readonly timer: ReturnType<typeof setTimeout>;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** One side of a connection. */
export class JsonRpcPeer {
  readonly #conn: Connection<JsonRpcPeer | undefined>;
  readonly #methods: Methods;
  readonly #calls = new Map<Id, Call>();
  #lastId = 0;

  constructor(conn: Connection<JsonRpcPeer | undefined>, methods: Methods) {
    this.#conn = conn;
    this.#methods = methods;
  }

  /**
   * Calls a method of the other side.
   *
   * @param timeout The timeout for the response, in milliseconds.
   * @returns The result. Rejects with a {@linkcode JsonRpcError} from the other side, or if the
   * response times out or the connection ends first.
   */
  call(method: string, params: unknown[] | object = [], timeout = 10_000): Promise<unknown> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#calls.delete(id);
        reject(new Error(`No response to ${method} within ${timeout} ms`));
      }, timeout);
      this.#calls.set(id, { resolve, reject, timer });
      this.#send({ jsonrpc: "2.0", id, method, params });
      if (this.#conn.readyState !== "open") this.end();
    });
  }

  /** Calls a method of the other side that sends no response. */
  notify(method: string, params: unknown[] | object = []): void {
    this.#send({ jsonrpc: "2.0", method, params });
  }

  /** Handles a message. */
  async receive(data: Message): Promise<void> {
    let message: unknown;
    try {
      message = JSON.parse(typeof data === "string" ? data : new TextDecoder().decode(data));
    } catch {
      return this.#send(failure(null, -32700, "Parse error"));
    }
    if (!Array.isArray(message)) {
      const answer = await this.#handle(message);
      if (answer !== undefined) this.#send(answer);
    } else if (message.length === 0) {
      this.#send(failure(null, -32600, "Invalid Request"));
    } else {
      const answers = await Promise.all(message.map((part) => this.#handle(part)));
      const given = answers.filter((answer) => answer !== undefined);
      if (given.length > 0) this.#send(given);
    }
  }

  /** Handles the end of the connection: rejects all pending calls. */
  end(): void {
    for (const { reject, timer } of this.#calls.values()) {
      clearTimeout(timer);
      reject(new Error("The connection closed before the response arrived"));
    }
    this.#calls.clear();
  }

  /** Handles a request or a response. Returns the response to a request, if it needs one. */
  async #handle(message: unknown): Promise<object | undefined> {
    if (!isObject(message) || message.jsonrpc !== "2.0") {
      return failure(null, -32600, "Invalid Request");
    }
    const { id, method, params } = message;
    if (method === undefined && ("result" in message || "error" in message)) {
      this.#settle(message);
      return undefined;
    }
    const hasId = typeof id === "string" || typeof id === "number" || id === null;
    if (typeof method !== "string" || (id !== undefined && !hasId)) {
      return failure(null, -32600, "Invalid Request");
    }
    const answer = await this.#run(method, params);
    return hasId ? { jsonrpc: "2.0", id, ...answer } : undefined;
  }

  async #run(method: string, params: unknown): Promise<object> {
    // Excludes the properties of Object.prototype.
    if (!Object.hasOwn(this.#methods, method)) {
      return { error: { code: -32601, message: `Method not found: "${method}"` } };
    }
    try {
      return { result: await this.#methods[method]!(params, this) ?? null };
    } catch (error) {
      if (error instanceof JsonRpcError) {
        return { error: { code: error.code, message: error.message, data: error.data } };
      }
      // Do not reveal internal errors to the peer.
      console.error(error);
      return { error: { code: -32603, message: "Internal error" } };
    }
  }

  #settle({ id, result, error }: Record<string, unknown>): void {
    const call = this.#calls.get(id as Id);
    if (call === undefined) return;
    this.#calls.delete(id as Id);
    clearTimeout(call.timer);
    if (isObject(error)) {
      call.reject(new JsonRpcError(Number(error.code), String(error.message), error.data));
    } else call.resolve(result);
  }

  #send(message: object): void {
    this.#conn.send(JSON.stringify(message));
  }
}

function failure(id: Id, code: number, message: string): object {
  return { jsonrpc: "2.0", id, error: { code, message } };
}

/** Returns handlers for `serve` and `connect`. After `open`, `data` of a connection is its peer. */
export function jsonRpc(methods: Methods): Handlers<JsonRpcPeer | undefined> {
  return {
    open(conn) {
      conn.data = new JsonRpcPeer(conn, methods);
    },
    message: (conn, data) => conn.data!.receive(data),
    close: (conn) => conn.data!.end(),
  };
}
