// The client's end of one opening handshake: the request goes out, the answer comes in.

import { ConnectionError } from "../errors.ts";
import { ClientHandshake, type ClientHandshakeOptions } from "../handshake/client.ts";
import {
  checkDeflateAnswer,
  type DeflateAgreement,
  type DeflateWishes,
} from "../handshake/deflate_offer.ts";
import type { Transport, TransportSink } from "../transport/transport.ts";

/** What a handshake ended with, beside the answer itself. */
export interface Answered {
  /** The answer. */
  readonly handshake: ClientHandshake;
  /** What was agreed about compression, if anything. */
  readonly agreement: DeflateAgreement | undefined;
  /** Whether the transport still has to tell that it takes more output. */
  readonly congested: boolean;
}

/** One opening handshake on a client. */
export class Outgoing implements TransportSink {
  readonly #transport: Transport;
  readonly #handshake: ClientHandshake;
  readonly #wishes: DeflateWishes | undefined;
  readonly #done: (answered: Answered) => void;
  readonly #failed: (error: unknown) => void;
  #over = false;
  #congested = false;

  /**
   * @param transport The stream to the server.
   * @param expected What the answer is checked against.
   * @param wishes What of compression was offered, if anything.
   * @param done Called, once, when the connection is open; the transport needs another sink then.
   * @param failed Called, once, when it will not be; the transport is cut.
   */
  constructor(
    transport: Transport,
    expected: ClientHandshakeOptions,
    wishes: DeflateWishes | undefined,
    done: (answered: Answered) => void,
    failed: (error: unknown) => void,
  ) {
    this.#transport = transport;
    this.#handshake = new ClientHandshake(expected);
    this.#wishes = wishes;
    this.#done = done;
    this.#failed = failed;
  }

  /** Sends the request and begins to read, after what has already come, usually nothing. */
  start(request: Uint8Array, rest: Uint8Array): void {
    this.#congested = !this.#transport.write(request, request.length);
    if (rest.length > 0) this.data(rest);
    this.#transport.start(this);
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
    this.#transport.destroy();
    this.#failed(error);
  }

  /** Bytes arrived. */
  data(chunk: Uint8Array): void {
    if (this.#over) return;
    try {
      if (this.#handshake.push(chunk)) this.#finish();
    } catch (error) {
      this.fail(error);
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
      this.fail(error);
    }
  }

  /** The stream is over. */
  closed(cause?: Error): void {
    this.giveUp(
      new ConnectionError(
        "CONNECTION_LOST",
        `The connection was lost during the opening handshake${cause ? `: ${cause.message}` : ""}`,
        { cause },
      ),
    );
  }

  #finish(): void {
    const { acceptedExtensions } = this.#handshake;
    const agreement = this.#wishes && checkDeflateAnswer(acceptedExtensions, this.#wishes);
    this.#over = true;
    const answered = {
      handshake: this.#handshake,
      agreement,
      congested: this.#congested,
    };
    this.#done(answered);
  }
}
