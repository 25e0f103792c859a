// Plain HTTP on a WebSocket server's port: one request without a body, and its response, sent with
// backpressure.

import { HandshakeError } from "../errors.ts";
import { isHost, isOriginForm } from "../handshake/outgoing.ts";
import { streamedResponseHead } from "../handshake/response.ts";
import type { RequestHead } from "../handshake/server.ts";
import type { Transport } from "../transport/transport.ts";

/** Fields set here, not by the user's `Response`. */
const OWN_FIELDS = [
  "connection",
  "content-length",
  "keep-alive",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

const encoder = new TextEncoder();
const LAST_CHUNK = encoder.encode("0\r\n\r\n");

/**
 * Creates a web `Request`.
 *
 * @param head The request.
 * @param secure Whether it arrived over TLS, so that its URL is `https:`.
 * @param signal Aborts when the client disconnects.
 * @throws {HandshakeError} When it cannot be answered here (400).
 */
export function toRequest(head: RequestHead, secure: boolean, signal: AbortSignal): Request {
  const { fields, path, method, version } = head;
  // Health checks of load balancers use HTTP/1.0 without Host (RFC 1945 5.2).
  const isHostless = version === "HTTP/1.0" && !fields.has("host");
  const host = isHostless ? "localhost" : head.host;
  if ((fields.get("content-length") ?? "0") !== "0" || fields.has("transfer-encoding")) {
    throw badRequest("BODY_NOT_ALLOWED", "This endpoint does not accept a request body");
  }
  // RFC 9112 3.2: exactly one valid Host line; anything else would change the URL.
  if (!isHostless && (fields.getAll("host").length !== 1 || !isHost(host))) {
    throw badRequest("HOST_INVALID", "The request must name its host in one Host field");
  }
  try {
    if (!isOriginForm(path)) throw new TypeError("not a path");
    const url = `${secure ? "https" : "http"}://${host}${path}`;
    return new Request(url, { method, headers: [...fields], signal });
  } catch {
    throw badRequest("HEAD_MALFORMED", "The request is not supported by this endpoint");
  }
}

function badRequest(
  code: "BODY_NOT_ALLOWED" | "HOST_INVALID" | "HEAD_MALFORMED",
  message: string,
): HandshakeError {
  return new HandshakeError(code, message, { status: 400 });
}

/**
 * Sends one `Response`. Its body is read with backpressure: the next chunk is requested when the
 * transport has accepted the previous one. A body that is available immediately gets a
 * Content-Length; others are sent chunked (RFC 9112 7.1), or until the end of the stream for
 * HTTP/1.0.
 */
export class ResponseWriter {
  readonly #transport: Transport;
  readonly #response: Response;
  readonly #written: () => void;
  readonly #failed: (error: unknown, begun: boolean) => void;
  readonly #omitBody: boolean;
  readonly #chunked: boolean;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #drained: (() => void) | undefined;
  #begun = false;
  #over = false;

  /**
   * @param transport The stream to the client.
   * @param response The user's response.
   * @param request The method and the version of the request.
   * @param written Called when the transport has accepted the whole response.
   * @param failed Called when the user's `Response` fails, with whether a part was sent, so that
   * only the end of the stream can signal the failure.
   */
  constructor(
    transport: Transport,
    response: Response,
    request: { readonly method: string; readonly version: string },
    written: () => void,
    failed: (error: unknown, begun: boolean) => void,
  ) {
    this.#transport = transport;
    this.#response = response;
    this.#written = written;
    this.#failed = failed;
    const { status } = response;
    this.#omitBody = request.method === "HEAD" || status === 204 || status === 205 ||
      status === 304;
    this.#chunked = request.version !== "HTTP/1.0";
  }

  /** Whether the body is still being read. */
  get isOpen(): boolean {
    return !this.#over;
  }

  /** Starts sending. */
  start(): void {
    this.#send().catch((error: unknown) => {
      if (this.#over) return;
      this.cancel(error);
      this.#failed(error, this.#begun);
    });
  }

  /** The transport accepts output again. */
  drain(): void {
    this.#drained?.();
    this.#drained = undefined;
  }

  /** Stops because the client disconnected or timed out; cancels the body. */
  cancel(reason: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.drain();
    cancelBody(this.#response, this.#reader, reason);
  }

  async #send(): Promise<void> {
    const { status, body } = this.#response;
    const headers = [...this.#response.headers].filter(([name]) => !OWN_FIELDS.includes(name));
    // Validates the status and fields before reading the body.
    streamedResponseHead({ status, headers, framing: undefined });
    if (body?.locked) {
      throw new TypeError("The body of the Response has already been read: return a new Response");
    }
    this.#reader = body?.getReader();
    const first = await this.#read();
    if (this.#over) return;
    // A body from a string or bytes ends within this turn of the event loop.
    const second = first === undefined ? Promise.resolve(undefined) : this.#read();
    second.catch(() => {});
    const whole = first === undefined || await isSoon(second);
    if (this.#over) return;
    const isWhole = whole && (await second) === undefined;
    const framing = this.#framing(isWhole ? first?.length ?? 0 : undefined);
    const head = streamedResponseHead({ status, headers, framing });
    this.#begun = true;
    if (this.#omitBody) {
      await this.#write(head);
      this.#over = true;
      cancelBody(this.#response, this.#reader, undefined);
      this.#written();
      return;
    }
    if (isWhole) {
      await this.#write(first === undefined ? head : joined(head, first));
    } else {
      await this.#write(joined(head, this.#framed(first!)));
      for (let next = await second; next !== undefined; next = await this.#read()) {
        if (this.#over) return;
        if (next.length > 0) await this.#write(this.#framed(next));
        if (this.#over) return;
      }
      if (this.#chunked && !this.#over) await this.#write(LAST_CHUNK);
    }
    if (this.#over) return;
    this.#over = true;
    this.#written();
  }

  /**
   * The header field that frames the body, if any.
   *
   * @param length Its length, if known.
   */
  #framing(length: number | undefined): string | undefined {
    const { status } = this.#response;
    if (status === 204 || status === 304) return undefined;
    if (length !== undefined) return `Content-Length: ${length}`;
    return this.#chunked ? "Transfer-Encoding: chunked" : undefined;
  }

  /** Reads the next non-empty chunk of the body; `undefined` at the end. */
  async #read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const result = await this.#reader?.read();
      if (result === undefined || result.done) return undefined;
      const chunk: unknown = result.value;
      if (!(chunk instanceof Uint8Array)) {
        throw new TypeError("The body of the Response must be a stream of Uint8Array chunks");
      }
      if (chunk.length > 0) return chunk;
    }
  }

  #framed(chunk: Uint8Array): Uint8Array {
    if (!this.#chunked) return chunk;
    return joined(encoder.encode(`${chunk.length.toString(16)}\r\n`), chunk, CRLF);
  }

  /** Resolves when the transport accepts more. */
  #write(bytes: Uint8Array): Promise<void> | void {
    if (this.#over || this.#transport.write(bytes, bytes.length)) return;
    return new Promise((resolve) => this.#drained = resolve);
  }
}

const CRLF = encoder.encode("\r\n");

/** The abort reason of a request whose client has disconnected. */
export function clientLeft(): DOMException {
  return new DOMException("The client has disconnected", "AbortError");
}

/** Whether an error is an abort reason, not a failure. */
export function isAbortError(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

/** Cancels the body of an unsent or partially sent response, ignoring errors. */
export function cancelBody(
  { body }: Response,
  reader: ReadableStreamDefaultReader<Uint8Array> | undefined,
  reason: unknown,
): void {
  const target = reader ?? (body?.locked ? undefined : body);
  target?.cancel(reason).catch(() => {});
}

/** Whether a promise settles before the event loop turns. */
async function isSoon(promise: Promise<unknown>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const turn = new Promise<boolean>((resolve) => timer = setTimeout(() => resolve(false), 0));
  try {
    return await Promise.race([promise.then(() => true), turn]);
  } finally {
    clearTimeout(timer);
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
