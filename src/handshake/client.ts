/*
 * The client side of the opening handshake (RFC 6455 section 4.1): reads the server's response and
 * checks it against the request.
 */

import { ConnectionError, type ErrorCode, HandshakeError } from "../errors.ts";
import { acceptKey } from "./accept_key.ts";
import { type Extension, parseExtensions } from "./extensions.ts";
import type { HeaderFields } from "./header_fields.ts";
import { type HeadLimits, HttpHeadReader, parseStatusLine, quoted } from "./http_head.ts";
import { assertSubprotocols } from "./subprotocols.ts";

/**
 * The values of the client's request, to check the server's response against.
 *
 * @category Handshake
 */
export interface ClientHandshakeOptions extends HeadLimits {
  /** The key that was sent. */
  key: string;
  /** The requested subprotocols. Default: none. */
  subprotocols?: readonly string[];
  /** The names of the offered extensions. Default: none. */
  offeredExtensions?: readonly string[];
}

/**
 * The maximum number of interim responses (1xx) to skip.
 *
 * @category Handshake
 */
export const MAX_INTERIM_RESPONSES = 8;

/**
 * Reads the server's response from chunks of any size and checks it.
 *
 * Interim responses before the final one, such as 103, are skipped, as RFC 9110 15.2 requires, up
 * to {@linkcode MAX_INTERIM_RESPONSES}. A status other than 101 throws an error with the first
 * {@linkcode MAX_BODY_START} bytes of the body.
 *
 * @example
 * ```ts
 * import { acceptResponse, ClientHandshake } from "@quickws/quickws/core";
 *
 * const key = "dGhlIHNhbXBsZSBub25jZQ==";
 * const handshake = new ClientHandshake({ key, subprotocols: ["chat"] });
 * if (handshake.push(acceptResponse({ key, subprotocol: "chat" }))) {
 *   console.log(handshake.status, handshake.protocol); // 101 chat
 * }
 * ```
 *
 * @category Handshake
 */
export class ClientHandshake {
  #limits: HeadLimits;
  #accept: string;
  #subprotocols: readonly string[];
  #offeredExtensions: readonly string[];
  #reader: HttpHeadReader;
  #interimResponses = 0;
  #received = 0;
  #status = 0;
  #reason = "";
  #fields: HeaderFields | undefined;
  #body: BodyStart | undefined;
  #protocol = "";
  #acceptedExtensions: readonly Extension[] = [];
  #complete = false;
  #failure: unknown;

  /**
   * Creates a handshake that waits for the server's first bytes.
   *
   * @param options The values of the request. Throws a `TypeError` for a key or subprotocols that
   * cannot have been sent, a `RangeError` for a bad limit.
   */
  constructor(options: ClientHandshakeOptions) {
    this.#limits = { maxBytes: options.maxBytes, maxLines: options.maxLines };
    this.#reader = new HttpHeadReader(this.#limits);
    this.#accept = acceptKey(options.key);
    this.#subprotocols = options.subprotocols ?? [];
    assertSubprotocols(this.#subprotocols);
    this.#offeredExtensions = options.offeredExtensions ?? [];
  }

  /**
   * Takes the next bytes, and returns `true` once the connection is open.
   *
   * Throws a `HandshakeError` when the response is invalid: with `status` and `headers` if they are
   * known, and with the start of the body for a status other than 101 (`STATUS_UNEXPECTED`). Every
   * later call throws it again.
   */
  push(chunk: Uint8Array): boolean {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#complete) throw new TypeError("The opening handshake is complete");
    this.#received += chunk.length;
    try {
      if (this.#body !== undefined) this.#readBody(this.#body, chunk);
      else this.#complete = this.#readHeads(chunk);
    } catch (error) {
      this.#failure = this.#asSeenByClient(error);
      throw this.#failure;
    }
    return this.#complete;
  }

  /**
   * The server has ended the stream. Throws unless the connection is open: the `HandshakeError`
   * with the received part of the body, or, without a complete head, a `ConnectionError`
   * `CONNECTION_LOST`.
   *
   * Also call it after a timeout if `status` is not 0: then only the body of a rejection is
   * missing, and the rejection is more informative than a timeout.
   */
  finish(): void {
    if (this.#complete) return;
    if (this.#failure === undefined) {
      this.#failure = this.#body === undefined
        ? new ConnectionError(
          "CONNECTION_LOST",
          this.#received === 0
            ? "The connection ended before the server answered the opening handshake"
            : `The connection ended inside the server's response, after ${this.#received} bytes`,
        )
        : this.#unexpectedStatus(this.#body);
    }
    throw this.#failure;
  }

  /** The status code of the response; 0 before it has arrived. */
  get status(): number {
    return this.#status;
  }

  /** The header fields of the response, once its head is complete. */
  get fields(): HeaderFields {
    if (this.#fields === undefined) throw new TypeError("The response's head is not complete yet");
    return this.#fields;
  }

  /** The subprotocol that the server selected; empty without one. */
  get protocol(): string {
    return this.#protocol;
  }

  /** The value of `Sec-WebSocket-Extensions` as the server sent it; empty without one. */
  get extensions(): string {
    return this.#fields?.get("sec-websocket-extensions") ?? "";
  }

  /** The extensions the server accepted, parsed, with unchecked parameters. */
  get acceptedExtensions(): readonly Extension[] {
    return this.#acceptedExtensions;
  }

  /** The bytes after the response's head: the first bytes of the server's frames. */
  get rest(): Uint8Array {
    return this.#reader.rest;
  }

  #readHeads(chunk: Uint8Array): boolean {
    let input = chunk;
    while (this.#reader.push(input)) {
      this.#fields = this.#reader.fields;
      this.#readStatusLine(this.#reader.startLine);
      if (this.#status === 101) {
        this.#check(this.#fields);
        return true;
      }
      input = this.#reader.rest;
      if (this.#status >= 200) {
        this.#body = new BodyStart(this.#status, this.#fields);
        this.#readBody(this.#body, input);
        return false;
      }
      // RFC 9110 15.2: a client must be able to parse interim responses that it does not expect.
      if (++this.#interimResponses > MAX_INTERIM_RESPONSES) {
        throw this.#error(
          "STATUS_UNEXPECTED",
          `The server sent more than ${MAX_INTERIM_RESPONSES} interim responses`,
        );
      }
      this.#reader = new HttpHeadReader(this.#limits);
      this.#fields = undefined;
      this.#status = 0;
    }
    return false;
  }

  #readBody(body: BodyStart, chunk: Uint8Array): void {
    if (body.push(chunk)) throw this.#unexpectedStatus(body);
  }

  #readStatusLine(text: string): void {
    const line = parseStatusLine(text);
    if (line === undefined) {
      throw this.#error(
        "HEAD_MALFORMED",
        "The server's response does not begin with a status line",
      );
    }
    this.#status = line.status;
    this.#reason = line.reason;
    if (line.status === 101 && line.minor !== "1") {
      throw this.#error(
        "HTTP_VERSION",
        "The server switched protocols in a response that is not HTTP/1.1",
      );
    }
  }

  /** RFC 6455 4.1, validation of the response, items 2 to 6. */
  #check(fields: HeaderFields): void {
    if (!fields.hasToken("upgrade", "websocket")) {
      throw this.#error("UPGRADE_MISSING", "The server's response has no Upgrade: websocket");
    }
    if (!fields.hasToken("connection", "upgrade")) {
      throw this.#error("CONNECTION_MISSING", "The server's response has no Connection: Upgrade");
    }
    // The accept value is base64, so its case matters.
    const accepts = fields.getAll("sec-websocket-accept");
    if (accepts.length !== 1 || accepts[0] !== this.#accept) {
      throw this.#error(
        "ACCEPT_INVALID",
        accepts.length === 1
          ? "The server's Sec-WebSocket-Accept does not match the key that was sent"
          : `The server's response has ${accepts.length} Sec-WebSocket-Accept fields, not 1`,
      );
    }
    // RFC 9110 8.6 and RFC 9112 6.1: a 101 has no body. A length of 0 is redundant, but legal.
    if ((fields.get("content-length") ?? "0") !== "0" || fields.has("transfer-encoding")) {
      throw this.#error("HEAD_MALFORMED", "The server's 101 response declares a body");
    }
    this.#checkExtensions(fields.getAll("sec-websocket-extensions"));
    this.#checkSubprotocol(fields.getAll("sec-websocket-protocol"));
  }

  #checkExtensions(lines: string[]): void {
    // RFC 6455 11.3.2: the field must not appear more than once in a response.
    if (lines.length > 1) {
      throw this.#error("EXTENSION_UNEXPECTED", "The server sent Sec-WebSocket-Extensions twice");
    }
    const names = new Set<string>();
    const extensions = parseExtensions(lines);
    for (const { name } of extensions) {
      if (!this.#offeredExtensions.includes(name)) {
        throw this.#error(
          "EXTENSION_UNEXPECTED",
          `The server accepted the extension "${quoted(name)}", which was not offered`,
        );
      }
      if (names.has(name)) {
        throw this.#error("EXTENSION_UNEXPECTED", `The server accepted "${name}" twice`);
      }
      names.add(name);
    }
    this.#acceptedExtensions = extensions;
  }

  #checkSubprotocol(lines: string[]): void {
    if (lines.length === 0) return;
    // RFC 6455 11.3.4: the field must not appear more than once in a response.
    if (lines.length > 1) {
      throw this.#error("SUBPROTOCOL_UNEXPECTED", "The server sent Sec-WebSocket-Protocol twice");
    }
    if (!this.#subprotocols.includes(lines[0])) {
      throw this.#error(
        "SUBPROTOCOL_UNEXPECTED",
        `The server chose the subprotocol "${quoted(lines[0])}", which was not requested`,
      );
    }
    this.#protocol = lines[0];
  }

  #unexpectedStatus(body: BodyStart): HandshakeError {
    let message = `The server answered ${this.#status} ${quoted(this.#reason)}`.trimEnd() +
      ", not 101 Switching Protocols";
    const location = this.#status < 400 ? this.fields.get("location") : null;
    if (location !== null) {
      message += `: it redirects to ${
        quoted(withoutQuery(location))
      }, and redirects are not followed`;
    } else if (this.#status < 300) {
      message += ": the URL is not a WebSocket endpoint. Check its path and port";
    }
    const text = body.text();
    const said = quoted(text);
    if (said !== "") message += `. Response body: ${said}`;
    return this.#error("STATUS_UNEXPECTED", message, text);
  }

  #error(code: ErrorCode, message: string, body?: string): HandshakeError {
    const status = this.#status === 0 ? undefined : this.#status;
    return new HandshakeError(code, message, { status, headers: this.#fields, body });
  }

  /** Parser errors are written for a server reading requests; this is a client. */
  #asSeenByClient(error: unknown): unknown {
    if (!(error instanceof HandshakeError) || error.headers !== undefined) return error;
    return this.#error(error.code, `The server's response cannot be used: ${error.message}`);
  }
}

/** Removes the query and the fragment: they often contain secrets. */
function withoutQuery(location: string): string {
  const end = ["?", "#"].map((mark) => location.indexOf(mark)).filter((at) => at !== -1);
  return end.length === 0 ? location : `${location.slice(0, Math.min(...end))}?***`;
}

// Reads the start of the body of a rejection, for the error. RFC 9112 6.3 defines the end of the
// body.

/**
 * The maximum bytes of a rejection's body to keep for the user.
 *
 * @category Handshake
 */
export const MAX_BODY_START = 1024;

/** The maximum bytes of chunk sizes, extensions and line ends in a chunked body. */
const MAX_CHUNK_OVERHEAD = 4096;

/** The part of a chunked body of the next byte (RFC 9112 7.1). */
const State = { Size: 0, Extension: 1, Data: 2, DataEnd: 3 } as const;

/** Collects the start of one body, up to its end or {@linkcode MAX_BODY_START}. */
export class BodyStart {
  #bytes: Uint8Array = new Uint8Array(MAX_BODY_START);
  #length = 0;
  #complete = false;
  #chunked = false;
  #state: number = State.Size;
  #overhead = 0;
  /** The remaining bytes of the body or the chunk. */
  #remaining = Infinity;

  /**
   * Creates an empty start.
   *
   * @param status The status code of the response.
   * @param fields The response's header fields, which determine the length of the body.
   */
  constructor(status: number, fields: HeaderFields) {
    const lengths = fields.getAll("content-length");
    if (status === 204 || status === 304) this.#remaining = 0;
    else if (fields.has("transfer-encoding")) {
      this.#chunked = fields.hasToken("transfer-encoding", "chunked");
      if (this.#chunked) this.#remaining = 0;
    } else if (lengths.length > 0) {
      // Without a known length no body can be shown.
      this.#remaining = lengths.length === 1 ? decimal(lengths[0]) : 0;
    }
    this.#complete = !this.#chunked && this.#remaining === 0;
  }

  /** Takes the next bytes, and returns `true` once no more are needed. */
  push(chunk: Uint8Array): boolean {
    let i = 0;
    while (!this.#complete && i < chunk.length) {
      if (!this.#chunked || this.#state === State.Data) i += this.#take(chunk, i);
      else this.#frame(chunk[i++]);
    }
    return this.#complete;
  }

  /** The bytes so far, as text, without an incomplete character at the end. */
  text(): string {
    const bytes = this.#bytes.subarray(0, this.#length);
    return new TextDecoder().decode(bytes, { stream: true });
  }

  #take(chunk: Uint8Array, start: number): number {
    const room = MAX_BODY_START - this.#length;
    const count = Math.min(chunk.length - start, this.#remaining, room);
    this.#bytes.set(chunk.subarray(start, start + count), this.#length);
    this.#length += count;
    this.#remaining -= count;
    if (this.#length === MAX_BODY_START) this.#complete = true;
    else if (this.#remaining === 0) {
      if (this.#chunked) this.#state = State.DataEnd;
      else this.#complete = true;
    }
    return count;
  }

  /**
   * Takes one byte between the data of two chunks. Invalid input just ends the body, which is
   * optional.
   */
  #frame(byte: number): void {
    if (++this.#overhead > MAX_CHUNK_OVERHEAD) this.#complete = true;
    if (byte === 0x0a) {
      if (this.#state === State.DataEnd) this.#state = State.Size;
      else if (this.#remaining > 0) this.#state = State.Data;
      else this.#complete = true;
      return;
    }
    if (this.#state !== State.Size || byte === 0x0d) return;
    const digit = hexDigit(byte);
    if (digit === -1) this.#state = State.Extension;
    else this.#remaining = Math.min(this.#remaining * 16 + digit, Number.MAX_SAFE_INTEGER);
  }
}

function decimal(text: string): number {
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return 0;
    value = Math.min(value * 10 + digit, Number.MAX_SAFE_INTEGER);
  }
  return value;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1;
}
