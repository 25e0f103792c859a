// Lets this process use the WebSocket of a real browser. A page creates the sockets; a WebSocket
// between the page and this process carries calls and events. The browser client runs on it
// unchanged.

import type { WebSocketEvent, WebSocketLike } from "../../src/native/web_socket.ts";
import { Deferred } from "./live_harness.ts";

/** A call on a socket of the page. Bytes are sent as arrays of numbers. */
interface Call {
  readonly id: number;
  readonly open?: { readonly url: string; readonly protocols: readonly string[] };
  readonly text?: string;
  readonly bytes?: readonly number[];
  readonly close?: readonly [code?: number, reason?: string];
}

/** An event from a socket of the page, with the state of the socket. */
interface Report extends WebSocketEvent {
  readonly id: number;
  readonly type: "open" | "message" | "close" | "error" | "sent";
  readonly bytes?: readonly number[];
  readonly readyState: number;
  readonly bufferedAmount: number;
  readonly protocol: string;
  readonly extensions: string;
}

const PAGE = `<!doctype html><script type="module">
  const control = new WebSocket("ws://" + location.host + "/control");
  const sockets = new Map();
  let reports = [];
  const flush = () => {
    control.send(JSON.stringify(reports));
    reports = [];
  };
  const report = (id, type, fields = {}) => {
    const { readyState, bufferedAmount, protocol, extensions } = sockets.get(id);
    reports.push({ id, type, readyState, bufferedAmount, protocol, extensions, ...fields });
    // One message for all reports of a burst.
    if (reports.length === 1) setTimeout(flush);
  };
  const sent = (id) => {
    report(id, "sent");
    const { bufferedAmount, readyState } = sockets.get(id);
    if (bufferedAmount > 0 && readyState < 3) setTimeout(sent, 5, id);
  };
  control.onmessage = ({ data }) => {
    const { id, open, text, bytes, close } = JSON.parse(data);
    if (open) {
      const socket = new WebSocket(open.url, open.protocols);
      socket.binaryType = "arraybuffer";
      sockets.set(id, socket);
      socket.onopen = () => report(id, "open");
      socket.onerror = () => report(id, "error");
      socket.onclose = ({ code, reason, wasClean }) =>
        report(id, "close", { code, reason, wasClean });
      socket.onmessage = ({ data }) =>
        report(id, "message", typeof data === "string" ? { data } : { bytes: [...new Uint8Array(data)] });
    } else if (close) {
      sockets.get(id).close(...close);
    } else {
      sockets.get(id).send(text ?? new Uint8Array(bytes));
      sent(id);
    }
  };
</script>`;

/** Serves the page and gives this process access to its WebSockets. */
export class BrowserSockets {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #control = new Deferred<WebSocket>();
  readonly #sockets: Map<number, BrowserSocket> = new Map();

  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => {
        if (!request.url.endsWith("/control")) {
          return new Response(PAGE, { headers: { "content-type": "text/html" } });
        }
        const { socket, response } = Deno.upgradeWebSocket(request);
        socket.onopen = () => this.#control.resolve(socket);
        socket.onmessage = ({ data }) => {
          for (const report of JSON.parse(data) as Report[]) this.#receive(report);
        };
        return response;
      },
    );
  }

  /** The origin of the page. */
  get origin(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** Resolves when the page has connected. */
  async ready(): Promise<void> {
    await this.#control.promise;
  }

  /** Creates a socket of the page. */
  async open(socket: BrowserSocket, url: string, protocols: readonly string[]): Promise<number> {
    const id = this.#sockets.size;
    this.#sockets.set(id, socket);
    await this.send({ id, open: { url, protocols } });
    return id;
  }

  /** Sends a call to the page. */
  async send(call: Call): Promise<void> {
    (await this.#control.promise).send(JSON.stringify(call));
  }

  /** Ends the connection to the page. */
  async close(): Promise<void> {
    (await this.#control.promise).close();
    await this.#server.shutdown();
  }

  #receive(report: Report): void {
    this.#sockets.get(report.id)?.receive(report);
  }
}

/** A WebSocket of the page. */
export class BrowserSocket implements WebSocketLike {
  readonly #sockets: BrowserSockets;
  readonly #id: Promise<number>;
  readonly #listeners: Array<[type: string, listener: (event: WebSocketEvent) => void]> = [];
  /** The sizes of the sent messages that the page has not confirmed. */
  #unconfirmed: number[] = [];
  #buffered = 0;
  readyState = 0;
  protocol = "";
  extensions = "";
  binaryType = "arraybuffer";

  constructor(sockets: BrowserSockets, url: string, protocols: readonly string[]) {
    this.#sockets = sockets;
    this.#id = sockets.open(this, url, protocols);
  }

  get bufferedAmount(): number {
    return this.#unconfirmed.reduce((sum, size) => sum + size, this.#buffered);
  }

  addEventListener(type: string, listener: (event: WebSocketEvent) => void): void {
    this.#listeners.push([type, listener]);
  }

  send(data: string | Uint8Array<ArrayBuffer> | ArrayBuffer): void {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : new Uint8Array(data);
    this.#unconfirmed.push(bytes.length);
    const content = typeof data === "string" ? { text: data } : { bytes: [...bytes] };
    this.#call(content);
  }

  close(code?: number, reason?: string): void {
    if (this.readyState > 1) return;
    this.readyState = 2;
    this.#call({ close: code === undefined ? [] : [code, reason] });
  }

  /** Handles an event from the page. */
  receive(report: Report): void {
    const { type, bytes, data, readyState, bufferedAmount, protocol, extensions } = report;
    this.#buffered = bufferedAmount;
    if (type === "sent") return void this.#unconfirmed.shift();
    this.readyState = Math.max(this.readyState, readyState);
    Object.assign(this, { protocol, extensions });
    const event = { ...report, data: bytes === undefined ? data : new Uint8Array(bytes).buffer };
    for (const [wanted, listener] of [...this.#listeners]) if (wanted === type) listener(event);
  }

  #call(call: Omit<Call, "id">): void {
    this.#id.then((id) => this.#sockets.send({ id, ...call }));
  }
}
