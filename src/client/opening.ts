// The client's end of one opening handshake: the request goes out, the answer comes in.

import { ConnectionError, HandshakeError } from "../errors.ts";
import { ClientHandshake, type ClientHandshakeOptions } from "../handshake/client.ts";
import {
  checkDeflateAnswer,
  type DeflateAgreement,
  type DeflateWishes,
} from "../handshake/deflate_offer.ts";
import { reasonOf } from "../shared/explain.ts";
import type { Transport, TransportSink } from "../transport/transport.ts";

/** The result of a handshake, beside the response itself. */
export interface Answered {
  /** The answer. */
  readonly handshake: ClientHandshake;
  /** The negotiated compression, if any. */
  readonly agreement: DeflateAgreement | undefined;
  /** Whether the transport still has to tell that it takes more output. */
  readonly congested: boolean;
}

/** The request of an {@linkcode Opening}. */
export interface Expected extends ClientHandshakeOptions {
  /** The compression that was offered, if any. */
  readonly deflate: DeflateWishes | undefined;
  /** Whether the server is spoken with under TLS. */
  readonly secure: boolean;
}

/** The types of TLS records that a server may send first: alert and handshake (RFC 8446 5.1). */
const TLS_RECORDS: readonly (number | undefined)[] = [0x15, 0x16];

const USE_WSS = "If the server speaks TLS on this port, use wss:// instead of ws://";

/** One opening handshake on a client. */
export class Opening implements TransportSink {
  readonly #transport: Transport;
  readonly #handshake: ClientHandshake;
  readonly #expected: Expected;
  readonly #done: (answered: Answered) => void;
  readonly #failed: (error: unknown) => void;
  #over = false;
  #congested = false;
  #firstByte: number | undefined;

  /**
   * @param transport The stream to the server.
   * @param expected The values that the response is checked against.
   * @param done Called once, when the connection is open; the transport needs another sink then.
   * @param failed Called once, when it will not be; the transport is cut.
   */
  constructor(
    transport: Transport,
    expected: Expected,
    done: (answered: Answered) => void,
    failed: (error: unknown) => void,
  ) {
    this.#transport = transport;
    this.#handshake = new ClientHandshake(expected);
    this.#expected = expected;
    this.#done = done;
    this.#failed = failed;
  }

  /** Sends the request and starts to read, after the bytes that have already arrived (usually none). */
  start(request: Uint8Array, rest: Uint8Array): void {
    if (this.#over) return;
    try {
      this.#congested = !this.#transport.write(request, request.length);
      if (rest.length > 0) this.data(rest);
      this.#transport.start(this);
      // A tunnel through a proxy is handed over paused.
      this.#transport.resume();
    } catch (cause) {
      this.closed(cause);
    }
  }

  /** Gives up, because time is up or the connection lost: a refusal that has come tells more. */
  giveUp(error: unknown): void {
    if (this.#over || this.#handshake.status === 0) return this.fail(error);
    try {
      this.#handshake.finish();
    } catch (refusal) {
      this.fail(refusal);
    }
    this.fail(error);
  }

  /** Gives up, for the reason given. */
  fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#reject(error);
  }

  /** Bytes arrived. */
  data(chunk: Uint8Array): void {
    if (this.#over || chunk.length === 0) return;
    this.#firstByte ??= chunk[0];
    try {
      if (this.#handshake.push(chunk)) this.#finish();
    } catch (error) {
      this.fail(this.#isTls(error) ? this.#spokeTls(error) : error);
    }
  }

  /** The request has left. */
  drain(): void {
    this.#congested = false;
  }

  /** The server has ended its direction. */
  end(): void {
    if (this.#over) return;
    try {
      this.#handshake.finish();
    } catch (error) {
      this.fail(this.#withAdvice(error));
    }
  }

  /** The stream has ended. */
  closed(cause?: unknown): void {
    const why = cause === undefined ? "" : `: ${reasonOf(cause)}`;
    const message = `The connection was lost during the opening handshake${why}`;
    this.giveUp(this.#withAdvice(new ConnectionError("CONNECTION_LOST", message, { cause })));
  }

  #finish(): void {
    const { acceptedExtensions } = this.#handshake;
    const { deflate } = this.#expected;
    const agreement = deflate && checkDeflateAnswer(acceptedExtensions, deflate);
    this.#over = true;
    try {
      this.#done({ handshake: this.#handshake, agreement, congested: this.#congested });
    } catch (error) {
      this.#reject(error);
    }
  }

  #reject(error: unknown): void {
    this.#failed(error);
    try {
      this.#transport.destroy();
    } catch {
      // A transport of the user's; why the connection failed is told already.
    }
  }

  /** A TLS server that gets a plain request hangs up, often without a word. */
  #withAdvice(error: unknown): unknown {
    const mayWantTls = this.#firstByte === undefined && !this.#expected.secure;
    if (!mayWantTls || !(error instanceof ConnectionError)) return error;
    return new ConnectionError(error.code, `${error.message}. ${USE_WSS}`, { cause: error.cause });
  }

  #isTls(error: unknown): error is HandshakeError {
    return error instanceof HandshakeError && !this.#expected.secure &&
      TLS_RECORDS.includes(this.#firstByte);
  }

  #spokeTls(cause: HandshakeError): HandshakeError {
    return new HandshakeError(
      cause.code,
      "The server answered with TLS: use wss:// instead of ws://",
      { cause },
    );
  }
}
